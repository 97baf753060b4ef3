import type { Code } from "@fettle/shared/codes/codes.ts";
import type { PinKind, Pins } from "./pins.ts";
import { entry, type Refusal, shown } from "./refusal.ts";

interface PinRule {
  readonly kind: PinKind;
  readonly code: Code;
  /** The list of agent.yaml that decides when it is not empty. */
  readonly listed: readonly string[];
  readonly under: string;
  readonly pins: Pins;
}

/**
 * Held to what agent.yaml lists; where it lists nothing, to what came first. Before the first use anything passes, and
 * the caller keeps it.
 */
export function pinRefusal(value: string, rule: PinRule): Refusal | null {
  const allowed = rule.listed.length > 0 ? rule.listed : rule.pins[rule.kind];
  if (allowed === undefined || allowed.includes(value)) return null;
  return {
    code: rule.code,
    args: { found: shown(value), expected: allowed.join(", "), ...entry(rule.under, value) },
  };
}
