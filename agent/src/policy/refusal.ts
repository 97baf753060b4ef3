import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";

/** Why a resource is not touched, and which line of agent.yaml would allow it. */
export interface Refusal {
  readonly code: Code;
  readonly args: CodeArgs;
}

/** What the review of one role came to: resource id -> refusal. The first refusal of a resource counts. */
export class Refusals {
  readonly #byId = new Map<string, Refusal>();

  /** Refuses each of the resources; a null refusal is none. */
  add(ids: readonly string[], refusal: Refusal | null): void {
    if (refusal === null) return;
    for (const id of ids) if (!this.#byId.has(id)) this.#byId.set(id, refusal);
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get map(): ReadonlyMap<string, Refusal> {
    return this.#byId;
  }
}

/** A value of the coordinator's as it may be shown: printable ASCII in quotes, and short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  const ascii = text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return ascii.length > 120 ? `${ascii.slice(0, 117)}...` : ascii;
}

/** The line of agent.yaml that would allow it, for the code's remedy. */
export function entry(under: string, value: string): { under: string; line: string } {
  return { under, line: /^[A-Za-z0-9_./:-]{1,200}$/.test(value) ? `- ${value}` : `- ${shown(value)}` };
}
