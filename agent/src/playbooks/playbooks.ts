import { gatewayParams } from "@fettle/shared/roles/gateway.ts";
import { gitlabParams } from "@fettle/shared/roles/gitlab.ts";
import { ollamaParams } from "@fettle/shared/roles/ollama.ts";
import type { FindArchive } from "../resources/ollama/installation.ts";
import type { Resource } from "../resources/resource.ts";
import { gatewayPlaybook } from "./gateway.ts";
import { gitlabPlaybook } from "./gitlab.ts";
import { ollamaPlaybook } from "./ollama.ts";

/** What playbooks are handed beside a role's parameters: it comes from this machine alone. */
export interface PlaybookOptions {
  /** Between two reads of GitLab's settings. */
  readonly gitlabPollMs: number;
  /** Takes a secret that is cut out of everything said from now on. */
  readonly remember: (secret: string) => void;
  readonly ollamaArchive: FindArchive;
  /** Whether the boot in which the agent was installed may end for the NVIDIA driver; not so where it is not said. */
  readonly firstBootReboot?: boolean;
}

/** What a role does with its parameters, as resources. Pure: the parameters are already validated. */
const playbooks: Readonly<Record<string, (params: unknown, options: PlaybookOptions) => Resource[]>> = {
  gateway: (params, { remember }) => gatewayPlaybook(gatewayParams.parse(params), remember),
  gitlab: (params, { gitlabPollMs: pollMs, remember }) =>
    gitlabPlaybook(gitlabParams.parse(params), { pollMs, remember }),
  ollama: (params, options) =>
    ollamaPlaybook(ollamaParams.parse(params), options.ollamaArchive, options.firstBootReboot),
};

/** Every resource of every role, in the order of the roles. Throws for a role that has no playbook. */
export function resourcesOf(roles: Readonly<Record<string, unknown>>, options: PlaybookOptions): Resource[] {
  return Object.entries(roles).flatMap(([role, params]) => {
    const playbook = playbooks[role];
    if (!playbook) throw new Error(`there is no playbook for ${role}`);
    return playbook(params, options);
  });
}
