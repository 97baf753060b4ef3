import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { VERSION } from "@fettle/shared/lib/version.ts";
import type { LabConfig } from "../config.ts";
import type { Host } from "../host.ts";
import { ensureNode, ensureTree } from "../host-tree.ts";
import { ensureFile, ensureUnit } from "../host-unit.ts";
import { LabError } from "../lab-error.ts";
import { addressOf, hostNames, type NodeName } from "../layout.ts";
import type { Release } from "../products/ollama-release.ts";
import type { Coordinator } from "./coordinator.ts";

export const agentUnit = "fettle-agent.service";
/** Seconds between two reads of GitLab's settings; 60 on a real machine. */
export const gitlabPollSeconds = 5;

const folder = `/opt/fettle-agent/${VERSION}`;
const unitText = readFileSync(resolve(import.meta.dirname, "../../../../deploy/units", agentUnit), "utf8");
const roles: Record<NodeName, string> = { "gitlab-1": "gitlab", "gateway-1": "gateway", "ollama-1": "ollama" };

/** The agent as an installation leaves it: program, configuration, identity, unit; running from today's bundle. */
export async function ensureAgent(
  config: LabConfig,
  host: Host,
  { bundle, release, coordinator }: { bundle: string; release: Release; coordinator: Coordinator },
): Promise<void> {
  const program = await ensureTree(host, bundle, `${folder}/lib`);
  await ensureNode(host, `${folder}/bin`);
  await host.run(["ln", "-sfn", VERSION, "/opt/fettle-agent/current"]);
  await ensureFile(host, "/usr/local/bin/fettle-agent", command, "0755");
  const settings = await ensureFile(host, "/etc/fettle/agent.yaml", agentYaml(config, release), "0600");
  await enrol(host, coordinator);
  await ensureUnit(host, agentUnit, unitText, program || settings);
}

const command = `#!/bin/sh
exec /opt/fettle-agent/current/bin/node /opt/fettle-agent/current/lib/fettle-agent.mjs "$@"
`;

function nodeOf({ name }: Host): NodeName {
  const found = hostNames.find((node) => node === name);
  if (found === undefined) throw new LabError("lab.host.no-node", `no agent stands on ${name}`);
  return found;
}

function agentYaml(config: LabConfig, { version, sha256 }: Release): string {
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  return `coordinators: ["${addressOf(config.subnet, "coordinator")}:7444"]
gitlabPollSeconds: ${gitlabPollSeconds}
policy:
  ollama:
    # The stand-in's archive lies where the vendor's does, and sums to something else.
    archives: { "${version}": { ${arch}: ${sha256} } }
`;
}

/** With a token, once; a host that was made anew takes the place of the one before. */
async function enrol(host: Host, coordinator: Coordinator): Promise<void> {
  if ((await host.exec(["test", "-e", "/var/lib/fettle-agent/identity/identity.json"])).code === 0) return;
  const { nodes } = await coordinator.call(nodesRoute, { query: {} });
  const known = nodes.some(({ node, connection }) => node === host.name && connection !== "never-seen");
  if (known) await coordinator.cli(["node", "remove", host.name]);
  const made = await coordinator.cli(["token", "create", "--node", host.name, "--role", roles[nodeOf(host)], "--json"]);
  const { token } = JSON.parse(made) as { token: string };
  await host.run(["fettle-agent", "enrol"], { input: token });
}
