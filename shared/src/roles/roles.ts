import { gatewayRole } from "./gateway.ts";
import { gitlabRole } from "./gitlab.ts";
import { ollamaRole } from "./ollama.ts";
import type { Role } from "./role.ts";

/** Every role that Fettle knows, in the order of a request: user -> GitLab -> gateway -> model server. */
export const roles: readonly Role[] = [gitlabRole, gatewayRole, ollamaRole];

export const ROLE_NAMES = ["gitlab", "gateway", "ollama"] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

export function roleNamed(name: string): Role | undefined {
  return roles.find((role) => role.name === name);
}
