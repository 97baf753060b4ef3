import type { Code } from "@fettle/shared/codes/codes.ts";
import type { RoleName } from "@fettle/shared/roles/roles.ts";
import type { PolicyFacts } from "./facts.ts";

/** What a coordinator that has been taken over might send, beside parameters that are well formed and allowed. */
export interface HostileCase {
  readonly name: string;
  readonly role: RoleName;
  /** Laid over the role's good parameters. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly facts?: Partial<PolicyFacts>;
  /** A resource that must be blocked, and why. */
  readonly id: string;
  readonly code: Code;
}
