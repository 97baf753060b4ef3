import type { GitlabOptions } from "./start-gitlab.ts";

/**
 * The process's environment as options. Version, certificate, filter and allow-lists are the first start's: later
 * starts find what was changed since in `STAND_IN_HOME`.
 */
export function optionsFrom(env: NodeJS.ProcessEnv): GitlabOptions {
  const home = env.STAND_IN_HOME;
  if (!home) throw new Error("STAND_IN_HOME names the folder for state and certificates");
  return {
    home,
    address: env.GITLAB_ADDRESS ?? "127.0.0.1",
    port: Number(env.GITLAB_PORT ?? "8443"),
    url: env.GITLAB_URL,
    names: list(env.GITLAB_NAMES) ?? [env.GITLAB_ADDRESS ?? "127.0.0.1"],
    version: env.GITLAB_VERSION ?? "18.8",
    control: env.STAND_IN_CONTROL,
    caFile: env.GITLAB_CA_FILE,
    adminToken: env.GITLAB_ADMIN_TOKEN,
    outboundFilter: env.GITLAB_OUTBOUND_FILTER !== "off",
    outboundAllow: list(env.GITLAB_OUTBOUND_ALLOW),
    monitoringAllowlist: list(env.GITLAB_MONITORING),
    betaTermsAccepted: env.GITLAB_BETA_TERMS === "accepted",
    certificate: {
      kind: env.GITLAB_CERT_KIND === "self-signed" ? "self-signed" : "ca",
      days: Number(env.GITLAB_CERT_DAYS ?? "90"),
    },
  };
}

function list(value: string | undefined): string[] | undefined {
  return value === undefined ? undefined : value.split(",").filter((item) => item !== "");
}
