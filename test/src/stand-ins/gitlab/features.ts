import { capitalise } from "./families.ts";
import type { Generation } from "./schema.ts";
import type { FeatureRow, State } from "./state.ts";

const TITLES: Record<string, string> = {
  code_generations: "Code Generation",
  code_completions: "Code Completion",
  duo_chat: "General Chat",
  duo_chat_explain_code: "Code Explanation",
  duo_chat_fix_code: "Fix Code",
  duo_chat_refactor_code: "Refactor Code",
  duo_chat_troubleshoot_job: "Root Cause Analysis",
  duo_chat_write_tests: "Test Generation",
};

const GENERALLY_AVAILABLE: ReadonlySet<string> = new Set([
  "code_generations",
  "code_completions",
  "duo_chat",
  "duo_chat_explain_code",
  "duo_chat_fix_code",
  "duo_chat_refactor_code",
  "duo_chat_write_tests",
]);

export function featureTitle(feature: string): string {
  return TITLES[feature] ?? feature.split("_").map(capitalise).join(" ");
}

export function mainFeature(feature: string): string {
  if (feature.startsWith("code_")) return "Code Suggestions";
  if (feature.startsWith("duo_chat")) return "GitLab Duo Chat";
  if (isPlatformFeature(feature)) return "GitLab Duo Agent Platform";
  return "Other GitLab Duo features";
}

export function featureReleaseState(feature: string): string {
  return GENERALLY_AVAILABLE.has(feature) ? "GA" : "BETA";
}

/** These need another ability, which an add-on of its own gives. */
export function isPlatformFeature(feature: string): boolean {
  return feature.startsWith("duo_agent_platform");
}

/** A feature nobody has set goes to GitLab's own models in 17.x; later it is told apart as unassigned. */
export function featureRow(state: State, feature: string, generation: Generation): FeatureRow {
  const row = state.features[feature];
  const provider = row?.provider ?? (generation.startsWith("17.") ? "vendored" : "unassigned");
  return { provider, modelId: row?.modelId ?? null, offeredModelRef: row?.offeredModelRef ?? null };
}
