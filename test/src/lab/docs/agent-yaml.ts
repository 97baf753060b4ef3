import { parse, stringify } from "yaml";
import { agentUnit } from "../fettle/agent.ts";
import type { Host } from "../host.ts";
import { readFile, writeFile } from "../host-files.ts";

const path = "/etc/fettle/agent.yaml";

/** As somebody edits it with an editor: what is not touched stays, and the agent is restarted after it. */
export async function editAgentYaml(host: Host, edit: (settings: AgentYaml) => AgentYaml): Promise<void> {
  const settings = parse(await readFile(host, path)) as AgentYaml;
  await writeFile(host, path, stringify(edit(settings)), "0600");
  await host.run(["systemctl", "restart", agentUnit]);
}

export type AgentYaml = { coordinators: unknown[]; policy?: Record<string, unknown> };
