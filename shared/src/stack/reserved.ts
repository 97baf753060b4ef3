import type { Path } from "./problem.ts";

/** Keys of later versions; `*` is any key or index. Using one before its time is `stack.not-yet`. */
export const RESERVED_KEYS = [
  "spec.proxy",
  "spec.maintenance",
  "spec.nodes.*.expectedOff",
  "spec.gitlab.api",
  "spec.gitlab.agentPlatformUrl",
  "spec.gitlab.directConnections",
  "spec.gitlab.models.*.endpoint",
  "spec.gitlab.models.*.identifier",
  "spec.gitlab.models.*.apiTokenFile",
  "spec.gateway.manage",
  "spec.gateway.url",
  "spec.gateway.env",
  "spec.gateway.updates",
  "spec.modelServers.*.manage",
  "spec.modelServers.*.endpoint",
  "spec.modelServers.*.source",
  "spec.modelServers.*.shared",
] as const;

const PATTERNS = RESERVED_KEYS.map((text) => text.split("."));

export function isReserved(path: Path): boolean {
  return PATTERNS.some(
    (pattern) => pattern.length === path.length && pattern.every((part, i) => part === "*" || part === String(path[i])),
  );
}
