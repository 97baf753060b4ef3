import { join } from "node:path";
import { bundleGitlab } from "../../stand-ins/gitlab/bundle.ts";
import type { LabConfig } from "../config.ts";
import type { Host } from "../host.ts";
import { ensureNode, ensureTree } from "../host-tree.ts";
import { ensureFile, ensureUnit } from "../host-unit.ts";
import { until } from "../until.ts";

export const gitlabName = "gitlab.example.com";
export const gitlabVersion = "18.8.2-ee";
export const gitlabCa = "/etc/gitlab/trusted-certs/ca.crt";
export const gitlabUnit = "gitlab-runsvdir.service";
/** An administrator's token, for who works on GitLab beside Fettle. */
export const adminToken = "glpat-lab-operator-000";

const bin = "/opt/gitlab/embedded/bin";
const program = "/opt/gitlab/embedded/service/gitlab";
const home = "/var/opt/gitlab";
const control = `${home}/control.sock`;

/** GitLab's stand-in on its host, as the package lies there: its own runtime, its unit, its user git, gitlab-rails. */
export async function ensureGitlab(config: LabConfig, host: Host): Promise<void> {
  const folder = join(config.folder, "dist/gitlab");
  await bundleGitlab(folder, `${bin}/node`);
  await ensureNode(host, bin);
  const changed = await ensureTree(host, folder, program);
  await host.run(["sh", "-c", 'id git >/dev/null 2>&1 || useradd -r -m -d "$0" -s /bin/sh git', home]);
  await host.run(["install", "-d", "-o", "git", "-g", "git", "/etc/gitlab/trusted-certs"]);
  await ensureFile(host, "/usr/bin/gitlab-rails", rails, "0755");
  await ensureUnit(host, gitlabUnit, unitText(host.address), changed);
  await until("GitLab to answer", 30_000, async () => {
    const ask = ["curl", "-sS", "--max-time", "2", "--cacert", gitlabCa, `https://${gitlabName}/-/health`];
    return (await host.exec(ask)).code === 0 ? true : undefined;
  });
}

/** As the real one it gives up root's rights first, so what it is handed must be readable for git. */
const rails = `#!/bin/sh
export STAND_IN_CONTROL=${control} STAND_IN_RAILS_MS=2000
exec runuser -u git -- ${bin}/node ${program}/rails.mjs "$@"
`;

function unitText(address: string): string {
  const environment = {
    STAND_IN_HOME: home,
    STAND_IN_CONTROL: control,
    GITLAB_ADDRESS: "0.0.0.0",
    GITLAB_PORT: "443",
    GITLAB_NAMES: `${gitlabName},${address}`,
    GITLAB_URL: `https://${gitlabName}`,
    GITLAB_VERSION: gitlabVersion,
    GITLAB_CA_FILE: gitlabCa,
    GITLAB_ADMIN_TOKEN: adminToken,
    GITLAB_OUTBOUND_FILTER: "off",
  };
  const lines = Object.entries(environment).map(([key, value]) => `Environment=${key}=${value}`);
  return `[Unit]
Description=GitLab (stand-in)
After=network-online.target

[Service]
ExecStart=${bin}/node ${program}/gitlab.mjs
User=git
Group=git
AmbientCapabilities=CAP_NET_BIND_SERVICE
Restart=always
RestartSec=1
${lines.join("\n")}

[Install]
WantedBy=multi-user.target
`;
}
