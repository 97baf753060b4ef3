import type { Identity, IdentityStore } from "../store/identity.ts";

type Stored = Pick<IdentityStore, "load" | "candidate" | "promote" | "drop">;

/**
 * Which identity the next connection shows. A candidate is tried and, once it was let in, promoted; one that was not
 * takes turns with the one before, since nobody else can say which of the two the coordinator takes now.
 */
export class Credentials {
  readonly #store: Stored;
  readonly #taken: (identity: Identity | null) => void;
  #shown: "current" | "candidate" = "current";
  /** A candidate was shown in vain since the last welcome. */
  #failed = false;

  /** `taken` is told which identity is shown. */
  constructor(store: Stored, taken: (identity: Identity | null) => void) {
    this.#store = store;
    this.#taken = taken;
  }

  async next(): Promise<Identity | null> {
    const candidate = await this.#store.candidate();
    const tried = this.#shown === "candidate";
    this.#failed ||= tried;
    this.#shown = candidate === null || tried ? "current" : "candidate";
    const identity = this.#shown === "candidate" ? candidate : await this.#store.load();
    this.#taken(identity);
    return identity;
  }

  /** The identity that was handed out last was let in. */
  async welcomed(): Promise<void> {
    if (this.#shown === "candidate") {
      await this.#store.promote();
      this.#taken(await this.#store.load());
    } else if (this.#failed) await this.#store.drop();
    this.#shown = "current";
    this.#failed = false;
  }
}
