import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { AgentStatus } from "@fettle/shared/protocol/agent-status.ts";
import { writeDurably } from "../durable.ts";
import type { Authorities } from "./authorities.ts";
import type { Pki } from "./pki.ts";

/** A node that holds an identity, and what its agent said last of itself; null when it said nothing of it. */
export interface Member {
  readonly node: string;
  readonly said: Pick<AgentStatus, "trusts" | "issuedUnder"> | null;
}

/**
 * `distributing`: agents are told the next root, and it is used once each of them has it. `renewing`: the new root is
 * in use, and the old one goes once no agent shows a certificate of it.
 */
export type RotationPhase = "distributing" | "renewing";

export interface RotationState {
  readonly phase: RotationPhase;
  /** Hash of the new root's key, hex. */
  readonly root: string;
  /** Nodes that hold the next step up. */
  readonly lacking: readonly string[];
}

/** Where the rotation stands; null when there is none. Pure. */
export function rotationState(
  { active, next, old }: Authorities,
  members: readonly Member[],
  without: readonly string[],
): RotationState | null {
  const counted = members.filter(({ node }) => !without.includes(node));
  const lacking = (has: (said: NonNullable<Member["said"]>) => boolean) =>
    counted.filter(({ said }) => said === null || !has(said)).map(({ node }) => node);
  if (next !== null) {
    const root = next.rootHash;
    return { phase: "distributing", root, lacking: lacking(({ trusts }) => trusts.includes(root)) };
  }
  if (old === null) return null;
  const root = active.rootHash;
  return { phase: "renewing", root, lacking: lacking(({ issuedUnder }) => issuedUnder === root) };
}

export interface RotationParts {
  readonly folder: string;
  readonly pki: Pki;
  readonly clock: Clock;
  readonly members: () => Promise<readonly Member[]>;
  /** What agents are to trust, or whose certificate they show, is another now. */
  readonly onStep: (text: string) => void;
  readonly onFailed: (error: unknown) => void;
}

const LOOK_MS = 2_000;

/** Takes a rotation of the CA from step to step as the agents follow. What lies on disk is where it stands. */
export class Rotation implements Service {
  readonly id = "rotation";
  readonly #parts: RotationParts;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  /** Starts one, or goes on with the one under way; `without` are nodes that nobody waits for from now on. */
  async start(without: readonly string[]): Promise<void> {
    const { pki, onStep } = this.#parts;
    const fresh = pki.authorities.next === null && pki.authorities.old === null;
    await writeDurably(
      this.#path,
      JSON.stringify([...new Set([...without, ...(fresh ? [] : await this.without())])]),
      0o600,
    );
    await pki.prepareRotation();
    if (fresh) onStep("a new CA is made; agents are told to trust it beside the one in use");
    await this.advance();
  }

  async state(): Promise<RotationState | null> {
    const { pki, members } = this.#parts;
    return rotationState(pki.authorities, await members(), await this.without());
  }

  async without(): Promise<readonly string[]> {
    const text = await readFile(this.#path, "utf8").catch(() => "[]");
    return JSON.parse(text) as string[];
  }

  /** Does the next step if nobody holds it up. One at a time. */
  advance(): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#advance());
    return this.#turn;
  }

  async #advance(): Promise<void> {
    const { pki, onStep } = this.#parts;
    const state = await this.state();
    if (state === null || state.lacking.length > 0) return;
    if (state.phase === "distributing") {
      await pki.switchRotation();
      onStep("the new CA is in use; agents are told to renew their certificates");
      return;
    }
    await pki.endRotation();
    await rm(this.#path, { force: true });
    onStep("the old CA counts no more");
  }

  async run(signal: AbortSignal): Promise<void> {
    const { pki, clock, onFailed } = this.#parts;
    while (!signal.aborted) {
      const { next, old } = pki.authorities;
      if (next !== null || old !== null) await this.advance().catch(onFailed);
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    }
  }

  get #path(): string {
    return join(this.#parts.folder, "rotation.json");
  }
}
