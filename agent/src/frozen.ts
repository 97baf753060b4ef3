import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import type { AgentStatus } from "@fettle/shared/protocol/agent-status.ts";
import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import { type Machine, machineDifference } from "@fettle/shared/protocol/machine.ts";
import type { Identity } from "./store/identity.ts";
import type { KeptStore } from "./store/kept.ts";

const [RESOURCE, KEY] = ["agent.identity", "frozen"];

export interface FrozenParts {
  readonly kept: KeptStore;
  /** As the stored desired state says. */
  readonly before: AgentWanted["frozen"];
  readonly identity: () => Pick<Identity, "machine"> | null;
  readonly machine: () => Machine;
  readonly onChange: () => void;
}

/**
 * Whether this agent changes nothing whatever it was told: its identity was made for another machine, or the
 * coordinator has said that another one uses it too. What the coordinator said outlives a restart, and ends by the
 * coordinator's word alone.
 */
export class Frozen {
  readonly #parts: FrozenParts;
  #reason: string | null;

  constructor(parts: FrozenParts) {
    this.#parts = parts;
    this.#reason = parts.kept.get(RESOURCE, KEY) ?? parts.before?.reason ?? null;
  }

  now(): { readonly code: Code; readonly args: CodeArgs } | null {
    const bound = this.#parts.identity()?.machine;
    const difference = bound === undefined ? null : machineDifference(bound, this.#parts.machine());
    if (difference !== null) return { code: "identity.other-machine", args: { ...difference } };
    return this.#reason === null ? null : { code: "identity.frozen", args: { reason: this.#reason } };
  }

  /** For the report. */
  observing(): AgentStatus["observing"] {
    const now = this.now();
    return now === null ? null : { code: now.code, reason: render(codes[now.code].cause, now.args) };
  }

  /** The coordinator's word. */
  take({ frozen }: Pick<AgentWanted, "frozen">): void {
    this.#set(frozen === null ? null : frozen.reason);
  }

  /** The coordinator turned this machine away: another one uses its identity. */
  turnedAway(reason: string): void {
    this.#set(reason);
  }

  #set(reason: string | null): void {
    if (reason === this.#reason) return;
    // First in force, then on disk: a full disk is no reason to go on.
    this.#reason = reason;
    try {
      if (reason === null) this.#parts.kept.delete(RESOURCE, KEY);
      else this.#parts.kept.set(RESOURCE, KEY, reason);
    } catch {
      // On a full disk: the coordinator says it again after a restart.
    }
    this.#parts.onChange();
  }
}
