import type { Service } from "@fettle/shared/lib/service.ts";
import type { Link } from "./link/link.ts";
import type { KeptStore } from "./store/kept.ts";
import type { Clock } from "./system/clock.ts";

const EVERY_MS = 60_000;
const [RESOURCE, KEY] = ["agent.link", "contact"];

/** When the coordinator was last heard of, across restarts of the agent. */
export class Contact implements Service {
  readonly id = "contact";
  readonly #clock: Clock;
  readonly #kept: KeptStore;
  readonly #link: () => Link | null;
  /** Wall-clock ms of an earlier life; null when there was none. */
  readonly #before: number | null;

  constructor(clock: Clock, kept: KeptStore, link: () => Link | null) {
    this.#clock = clock;
    this.#kept = kept;
    this.#link = link;
    const text = kept.get(RESOURCE, KEY);
    this.#before = text === null ? null : Number(text);
  }

  /** Ms since the coordinator was last heard of; 0 when it never was. */
  awayMs(): number {
    const link = this.#link();
    if (link !== null && link.status().heardAt !== null) return link.awayMs();
    return this.#before === null ? 0 : Math.max(0, this.#clock.now() - this.#before);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(EVERY_MS, signal).catch(() => undefined);
      this.#keep(this.#link()?.status().heardAt ?? null);
    }
  }

  #keep(heardAt: number | null): void {
    try {
      if (heardAt !== null) this.#kept.set(RESOURCE, KEY, String(heardAt));
    } catch {
      // On a full disk: it is kept a minute later, and matters only to the agent's next life.
    }
  }
}
