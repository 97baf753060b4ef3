import { randomBytes, randomUUID } from "node:crypto";
import type { CertificateSpec, State } from "./state.ts";

export interface InitialState {
  version: string;
  names: string[];
  now: number;
  certificate?: Partial<CertificateSpec> | undefined;
  outboundFilter?: boolean | undefined;
  outboundAllow?: string[] | undefined;
  monitoringAllowlist?: string[] | undefined;
  betaTermsAccepted?: boolean | undefined;
}

const DAY = 86_400_000;
/** What a generation's name alone stands for; the first release of 17.9 answers differently, so not that one. */
const PATCH_RELEASES: Record<string, string> = { "17.9": "17.9.8-ee", "18.8": "18.8.2-ee", "19.5": "19.5.1-ee" };

/** A licensed GitLab with an administrator, one user, a bot and ten Duo Enterprise seats, all free. */
export function initialState(given: InitialState): State {
  const at = new Date(given.now).toISOString();
  return {
    version: fullVersion(given.version),
    revision: randomBytes(6).toString("hex").slice(0, 11),
    instanceId: randomUUID(),
    ...people(given.now),
    seats: {},
    tokens: {},
    models: {},
    features: {},
    duoSettings: {
      aiGatewayUrl: null,
      aiGatewayTimeoutSeconds: 60,
      duoAgentPlatformServiceUrl: null,
      duoCoreFeaturesEnabled: false,
      updatedAt: at,
    },
    applicationSettings: {
      outbound_local_requests_whitelist: given.outboundAllow ?? [],
      allow_local_requests_from_web_hooks_and_services: false,
      maintenance_mode: false,
      maintenance_mode_message: null,
      admin_mode: false,
    },
    betaTermsAccepted: given.betaTermsAccepted ?? false,
    outboundFilter: given.outboundFilter ?? true,
    geo: "none",
    monitoringAllowlist: given.monitoringAllowlist ?? ["127.0.0.0/8"],
    certificate: { kind: "ca", names: given.names, days: 90, ...given.certificate },
    lastId: 100,
  };
}

function fullVersion(version: string): string {
  if (/^\d+\.\d+\.\d+/.test(version)) return version;
  return PATCH_RELEASES[version] ?? `${version}.0-ee`;
}

function people(now: number): Pick<State, "licence" | "users" | "purchases"> {
  const day = (offset: number) => new Date(now + offset * DAY).toISOString().slice(0, 10);
  return {
    licence: {
      plan: "ultimate",
      type: "online_cloud",
      startsAt: day(-30),
      expiresAt: day(335),
      trial: false,
      userCount: 50,
      lastSync: new Date(now).toISOString(),
    },
    users: {
      "1": { username: "root", name: "Administrator", admin: true, bot: false, active: true },
      "2": { username: "alice", name: "Alice Example", admin: false, bot: false, active: true },
      "3": { username: "support-bot", name: "GitLab Support Bot", admin: false, bot: true, active: true },
    },
    purchases: { "1": { name: "DUO_ENTERPRISE", purchasedQuantity: 10, expiresOn: day(335) } },
  };
}
