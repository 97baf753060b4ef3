import { X509Certificate } from "node:crypto";
import { keyHash, pemsOf } from "@fettle/shared/lib/certificates.ts";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import type { Logger } from "pino";
import type { Identity, IdentityStore } from "./store/identity.ts";

export interface TrustedRootsParts {
  readonly store: Pick<IdentityStore, "trust">;
  /** The one that is shown to the coordinator; what this writes is put there. */
  readonly identity: { now: Identity | null };
  readonly onChange: () => void;
  readonly log: Logger;
}

/**
 * Which roots this agent takes its coordinator by, during and after a rotation of the CA. A set that shares no root
 * with the one that is trusted now is not taken: whoever speaks was believed by one of those.
 */
export class TrustedRoots {
  readonly #parts: TrustedRootsParts;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: TrustedRootsParts) {
    this.#parts = parts;
  }

  /** One at a time; never rejects. */
  take({ roots }: Pick<AgentWanted, "roots">): Promise<void> {
    this.#turn = this.#turn.then(() => this.#take(roots)).catch((error: unknown) => this.#refuse(messageOf(error)));
    return this.#turn;
  }

  async #take(roots: readonly string[]): Promise<void> {
    const { store, identity, onChange, log } = this.#parts;
    if (roots.length === 0 || identity.now === null) return;
    const wanted = hashesOf(roots.join("\n"));
    const held = hashesOf(identity.now.ca);
    if (wanted.length !== roots.length) return this.#refuse("one of them is no root certificate");
    if (sameSet(wanted, held)) return;
    if (!wanted.some((hash) => held.includes(hash))) return this.#refuse("none of them is trusted now");
    const ca = roots.map((pem) => pem.trim()).join("\n");
    await store.trust(ca);
    if (identity.now !== null) identity.now = { ...identity.now, ca };
    log.info({ roots: wanted.map((hash) => hash.slice(0, 12)) }, "trusted roots changed");
    onChange();
  }

  #refuse(problem: string): void {
    this.#parts.log.warn({ problem }, "roots from the coordinator not taken");
  }
}

/** Hash of the key of each root in the text; what is not a self-signed CA certificate is left out. */
export function hashesOf(text: string): string[] {
  return pemsOf(text).flatMap((pem) => {
    const root = new X509Certificate(pem);
    return root.ca && root.checkIssued(root) && root.verify(root.publicKey) ? [keyHash(root.publicKey, "hex")] : [];
  });
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
