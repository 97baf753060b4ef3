import type { Pause } from "@fettle/shared/protocol/desired.ts";
import { NODE_NAME } from "@fettle/shared/protocol/names.ts";
import type { LocalPause } from "@fettle/shared/protocol/report.ts";

export interface ActivePause {
  readonly scope: string;
  readonly reason: string;
  /** Who made it at the coordinator; null for one that was made on this machine. */
  readonly by: string | null;
  /** Wall-clock ms of its end; null: until resumed. */
  readonly until: number | null;
}

/**
 * The pause that covers a resource: on the machine itself before the coordinator's, there the narrowest first.
 * Local scopes are `*`, a role or a resource id; the coordinator's are `stack`, `NODE`, `NODE/ROLE` or `NODE/ID`.
 */
export function pauseOf(
  id: string,
  local: readonly LocalPause[],
  remote: readonly Pause[],
  now: number,
): ActivePause | null {
  for (const scope of [id, roleOf(id), "*"]) {
    const pause = local.find((item) => item.scope === scope && isOn(item.until, now));
    if (pause) return { scope: pause.scope, reason: pause.reason, by: null, until: pause.until };
  }
  const on = remote.filter((item) => isOn(item.until, now));
  for (const scope of [id, roleOf(id), null, "stack"]) {
    const pause = on.find((item) => remoteScope(item.scope) === scope);
    if (pause) return { scope: pause.scope, reason: pause.reason, by: pause.by, until: pause.until };
  }
  return null;
}

/** The pause that covers everything here, on the machine itself before the coordinator's; null when there is none. */
export function wholePause(
  local: readonly LocalPause[],
  remote: readonly Pause[],
  now: number,
): Pick<ActivePause, "scope" | "reason"> | null {
  const here = local.find(({ scope, until }) => scope === "*" && isOn(until, now));
  if (here) return here;
  return remote.find(({ scope, until }) => isOn(until, now) && !scope.includes("/")) ?? null;
}

export function roleOf(id: string): string {
  return id.slice(0, id.indexOf("."));
}

/** The part after `NODE/`; null for a whole node. Only pauses that touch this node are sent to it. */
function remoteScope(scope: string): string | null {
  if (scope === "stack") return "stack";
  const slash = scope.indexOf("/");
  return slash < 0 || !NODE_NAME.test(scope.slice(0, slash)) ? null : scope.slice(slash + 1);
}

function isOn(until: number | null, now: number): boolean {
  return until === null || until > now;
}
