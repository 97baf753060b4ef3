import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import type { Host } from "../host.ts";
import { readFile, writeFile } from "../host-files.ts";
import { agentUnit } from "./agent.ts";

const path = "/etc/fettle/agent.yaml";

/** As somebody edits it with an editor: what is not touched stays, and the agent is restarted when anything is. */
export async function editAgentYaml(host: Host, edit: (settings: AgentYaml) => AgentYaml): Promise<void> {
  const settings = parse(await readFile(host, path)) as AgentYaml;
  const edited = edit(settings);
  if (isDeepStrictEqual(edited, settings)) return;
  await writeFile(host, path, stringify(edited), "0600");
  await host.run(["systemctl", "restart", agentUnit]);
}

export type AgentYaml = { coordinators: unknown[]; policy?: Record<string, unknown> };
