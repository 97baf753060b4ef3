/** The environment of the gateway image, as far as the stand-in obeys it. */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Address {
  host: string;
  port: number;
}

/** Where one process of the image finds the keys that tokens are signed with. */
export interface Authority {
  gitlabUrl: string;
  /** Undefined: the default portal, which the stand-in does not call. */
  portalUrl: string | undefined;
  signingKey: string;
  validationKey: string;
  caBundle: string | undefined;
  cacheFailures: boolean;
  cacheMs: number;
}

export interface Settings {
  api: Address & { enabled: boolean };
  workflow: Address & { enabled: boolean; authEnabled: boolean };
  apiAuthority: Authority;
  workflowAuthority: Authority;
  bypass: boolean;
  bypassWithHeader: boolean;
  customModels: boolean;
  modelCaFile: string | undefined;
  modelTimeoutMs: number;
  control: string | undefined;
}

const DAY_MS = 86_400_000;

export function readSettings(env: Environment): Settings {
  return {
    api: {
      ...address(env, "AIGW_FASTAPI__API_HOST", "AIGW_FASTAPI__API_PORT", 5052),
      enabled: !env.DISABLE_AI_GATEWAY,
    },
    workflow: {
      ...address(env, "STAND_IN_DWS_HOST", "STAND_IN_DWS_PORT", 50052),
      enabled: Boolean(env.ENABLE_DUO_WORKFLOW_SERVICE),
      authEnabled: (env.DUO_WORKFLOW_AUTH__ENABLED ?? "true").toLowerCase() !== "false",
    },
    apiAuthority: apiAuthority(env),
    workflowAuthority: workflowAuthority(env),
    bypass: flag(env.AIGW_AUTH__BYPASS_EXTERNAL),
    bypassWithHeader: flag(env.AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER),
    customModels: flag(env.AIGW_CUSTOM_MODELS__ENABLED),
    modelCaFile: env.SSL_CERT_FILE || undefined,
    modelTimeoutMs: Number(env.AIGW_DUO_CHAT__MODEL_REQUEST_TIMEOUT || 30) * 1000,
    control: env.STAND_IN_CONTROL || undefined,
  };
}

function address(env: Environment, host: string, port: string, byDefault: number): Address {
  return { host: env[host] || "0.0.0.0", port: Number(env[port] || byDefault) };
}

function apiAuthority(env: Environment): Authority {
  return {
    gitlabUrl: env.AIGW_GITLAB_URL || "https://gitlab.com",
    portalUrl: env.AIGW_CUSTOMER_PORTAL_URL || undefined,
    signingKey: env.AIGW_SELF_SIGNED_JWT__SIGNING_KEY ?? "",
    validationKey: env.AIGW_SELF_SIGNED_JWT__VALIDATION_KEY ?? "",
    ...fetching(env),
  };
}

function workflowAuthority(env: Environment): Authority {
  return {
    gitlabUrl: env.DUO_WORKFLOW_AUTH__OIDC_GITLAB_URL || env.AIGW_GITLAB_URL || "https://gitlab.com",
    portalUrl: env.DUO_WORKFLOW_AUTH__OIDC_CUSTOMER_PORTAL_URL || undefined,
    signingKey: env.DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY ?? "",
    validationKey: env.DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY ?? "",
    ...fetching(env),
  };
}

/** `requests` reads REQUESTS_CA_BUNDLE alone for the keys; httpx reads SSL_CERT_FILE alone for the models. */
function fetching(env: Environment): Pick<Authority, "caBundle" | "cacheFailures" | "cacheMs"> {
  return {
    caBundle: env.REQUESTS_CA_BUNDLE || undefined,
    cacheFailures: env.STAND_IN_CACHE_FAILURES !== "false",
    cacheMs: Number(env.STAND_IN_CACHE_MS || DAY_MS),
  };
}

function flag(value: string | undefined): boolean {
  return ["true", "1", "yes", "on"].includes((value ?? "").toLowerCase());
}
