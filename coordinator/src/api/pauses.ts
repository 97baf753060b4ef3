import type { PauseRow, StackView } from "./types.ts";

/** True when a pause of `scope` holds the resource: the stack's, its node's, its role's or its own. */
export function covers(scope: string, node: string, resource: string): boolean {
  const role = resource.slice(0, resource.indexOf("."));
  return ["stack", node, `${node}/${role}`, `${node}/${resource}`].includes(scope);
}

export function pauseOf(pauses: readonly PauseRow[], node: string, resource: string): PauseRow | undefined {
  return pauses.find(({ scope }) => covers(scope, node, resource));
}

/** Whether a pause of this scope would touch anything: `stack`, a node of the stack, or something on one. */
export function isScope(view: StackView, scope: string): boolean {
  if (scope === "stack") return true;
  const slash = scope.indexOf("/");
  const node = slash < 0 ? scope : scope.slice(0, slash);
  const rest = slash < 0 ? null : scope.slice(slash + 1);
  const row = view.rows.get(node);
  if (row === undefined || rest === null) return row !== undefined;
  const roles = JSON.parse(row.roles) as string[];
  return roles.some((role) => rest === role || rest.startsWith(`${role}.`));
}
