import type { State } from "./state.ts";

const GENERALLY_AVAILABLE: ReadonlySet<string> = new Set(["mistral", "mixtral", "codestral", "claude_3", "gpt"]);
const CODE_ONLY: ReadonlySet<string> = new Set(["codegemma", "codellama", "deepseekcoder"]);

const DISPLAY_NAMES: Record<string, string> = {
  claude_3: "Claude",
  codegemma: "CodeGemma",
  codellama: "Code-Llama",
  codestral: "Codestral",
  deepseekcoder: "DeepSeek Coder",
  gpt: "GPT",
  llama3: "Llama 3",
};

export function releaseState(family: string): "GA" | "BETA" {
  return GENERALLY_AVAILABLE.has(family) ? "GA" : "BETA";
}

export function familyDisplayName(family: string): string {
  return DISPLAY_NAMES[family] ?? capitalise(family);
}

/** The families a feature can work with, of those the generation knows. */
export function compatibleFamilies(feature: string, known: readonly string[]): string[] {
  const forCode = feature.startsWith("code_");
  return known.filter((family) => family !== "embedding" && (forCode || !CODE_ONLY.has(family)));
}

/** Beta families can be chosen only after a person has accepted the terms for them. */
export function selectable(family: string, state: State): boolean {
  return state.betaTermsAccepted || releaseState(family) === "GA";
}

export function capitalise(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
}
