import { ollamaParams } from "@fettle/shared/roles/ollama.ts";
import type { Resource } from "../resources/resource.ts";
import { ollamaPlaybook } from "./ollama.ts";

/** What a role does with its parameters, as resources. Pure: the parameters are already validated. */
const playbooks: Readonly<Record<string, (params: unknown) => Resource[]>> = {
  ollama: (params) => ollamaPlaybook(ollamaParams.parse(params)),
};

/** Every resource of every role, in the order of the roles. Throws for a role that has no playbook. */
export function resourcesOf(roles: Readonly<Record<string, unknown>>): Resource[] {
  return Object.entries(roles).flatMap(([role, params]) => {
    const playbook = playbooks[role];
    if (!playbook) throw new Error(`there is no playbook for ${role}`);
    return playbook(params);
  });
}
