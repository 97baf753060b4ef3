import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { roleNamed } from "@fettle/shared/roles/roles.ts";
import type { PolicyFacts } from "./facts.ts";
import { reviewGateway } from "./gateway.ts";
import { reviewGitlab } from "./gitlab.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { reviewOllama } from "./ollama.ts";
import type { Pins } from "./pins.ts";
import { type Refusal, shown } from "./refusal.ts";

export interface Review {
  /** Resource id -> why it is blocked. A refused resource is not even looked at: looking uses the parameters too. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  /** What to keep as the first use, once these parameters are in force (never for a plan). */
  readonly pins: Pins;
}

type Reviewer = (params: unknown, policy: LocalPolicy, facts: PolicyFacts) => Review;

const reviewers: Readonly<Record<string, Reviewer>> = {
  gitlab: (params, policy, facts) => reviewGitlab(params as GitlabParams, policy, facts),
  gateway: (params, policy, facts) => reviewGateway(params as GatewayParams, policy, facts),
  ollama: (params, policy, facts) => reviewOllama(params as OllamaParams, policy, facts),
};

/**
 * What this machine's own policy refuses of a role's parameters, before anything is looked at or journalled. Pure.
 * `params` have passed the role's own strict schema. A role without rules here is refused whole.
 */
export function review(role: string, params: unknown, policy: LocalPolicy, facts: PolicyFacts): Review {
  const reviewer = Object.hasOwn(reviewers, role) ? reviewers[role] : undefined;
  if (reviewer !== undefined) return reviewer(params, policy, facts);
  const refusal: Refusal = { code: "policy.role", args: { found: shown(role) } };
  const kinds = roleNamed(role)?.capabilities ?? [];
  return { refusals: new Map(kinds.map((kind) => [kind, refusal])), pins: {} };
}
