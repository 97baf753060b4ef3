/**
 * Everything the stand-in remembers, keyed by plain ids so that a merge patch can reach one record. A patch removes
 * what it sets to null, so readers take an absent member for null.
 */
export interface State {
  version: string;
  revision: string;
  instanceId: string;
  licence: Licence | null;
  users: Record<string, User>;
  purchases: Record<string, Purchase>;
  seats: Record<string, Seat>;
  tokens: Record<string, Token>;
  models: Record<string, ModelRecord>;
  /** Only what was set; a feature without a row has its generation's default. */
  features: Record<string, FeatureRow>;
  duoSettings: DuoSettings;
  applicationSettings: ApplicationSettings;
  /** Whether beta models may be chosen: a person accepts that in the admin pages. */
  betaTermsAccepted: boolean;
  /** False stands for an installation whose outbound filter does not look at the gateway's URL. */
  outboundFilter: boolean;
  geo: "none" | "primary" | "secondary";
  /** Who may ask for health, as CIDR blocks or single addresses. */
  monitoringAllowlist: string[];
  certificate: CertificateSpec;
  lastId: number;
}

export interface Licence {
  plan: "starter" | "premium" | "ultimate";
  type: "online_cloud" | "offline_cloud" | "license_file";
  startsAt: string;
  expiresAt: string | null;
  trial: boolean;
  userCount: number;
  lastSync: string | null;
}

export interface User {
  username: string;
  name: string;
  admin: boolean;
  bot: boolean;
  active: boolean;
}

export interface Purchase {
  /** Upper case, as in DUO_ENTERPRISE. */
  name: string;
  purchasedQuantity: number;
  expiresOn: string | null;
}

export interface Seat {
  purchase: string;
  user: string;
}

export interface Token {
  user: string;
  name: string;
  /** Base64 SHA-256; the token itself is shown once and kept nowhere. */
  digest: string;
  scopes: string[];
  createdAt: string;
  /** A day, as in 2027-01-31; the token ends when that day begins (UTC). */
  expiresAt: string | null;
  revoked: boolean;
  /** The token that this one replaced by rotation. */
  previous: string | null;
}

export interface ModelRecord {
  name: string;
  /** The family in lower case. */
  model: string;
  endpoint: string | null;
  identifier: string | null;
  apiToken: string | null;
  provider: string;
  createdAt: string;
  updatedAt: string;
}

export interface FeatureRow {
  provider: "self_hosted" | "vendored" | "disabled" | "unassigned";
  modelId: string | null;
  offeredModelRef: string | null;
}

export interface DuoSettings {
  aiGatewayUrl: string | null;
  aiGatewayTimeoutSeconds: number;
  duoAgentPlatformServiceUrl: string | null;
  duoCoreFeaturesEnabled: boolean;
  updatedAt: string;
  [other: string]: unknown;
}

export interface ApplicationSettings {
  outbound_local_requests_whitelist: string[];
  allow_local_requests_from_web_hooks_and_services: boolean;
  maintenance_mode: boolean;
  maintenance_mode_message: string | null;
  admin_mode: boolean;
  [other: string]: unknown;
}

export interface CertificateSpec {
  /** `ca`: signed by the stand-in's own authority; `self-signed`: by itself. */
  kind: "ca" | "self-signed";
  /** DNS names and addresses. */
  names: string[];
  /** How many days from its issue it ends; negative is expired. */
  days: number;
}
