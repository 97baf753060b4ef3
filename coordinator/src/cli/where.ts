import { FettleError } from "@fettle/shared/lib/errors.ts";
import { nodeName, resourceId } from "@fettle/shared/protocol/names.ts";

export interface Where {
  readonly node: string;
  readonly resource?: string;
}

/** `NODE` or `NODE/ID`, split at the first slash. Throws `cli.usage`. */
export function parseWhere(text: string): Where {
  const slash = text.indexOf("/");
  const node = slash < 0 ? text : text.slice(0, slash);
  if (!nodeName.safeParse(node).success) throw usage(`${node} is no name of a node`);
  if (slash < 0) return { node };
  const resource = text.slice(slash + 1);
  if (!resourceId.safeParse(resource).success)
    throw usage(`${resource} is no resource, as in ollama.model[mistral:instruct]`);
  return { node, resource };
}

/** A whole `NODE/ID`. Throws `cli.usage`. */
export function parseResource(text: string): Required<Where> {
  const { node, resource } = parseWhere(text);
  if (resource === undefined) throw usage(`${text} is a node; this takes NODE/ID`);
  return { node, resource };
}

export function usage(problem: string): FettleError {
  return new FettleError("cli.usage", { problem });
}
