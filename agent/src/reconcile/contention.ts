import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { Contention as Limits } from "@fettle/shared/protocol/desired.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Resource } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import { type Cut, saidArgs } from "./said.ts";

/** What is kept of a contention, so that it survives a restart. */
interface Standing {
  readonly value: string;
  /** Wall-clock ms: without that write until then, one more repair is tried. */
  readonly until: number;
  readonly args: CodeArgs;
}

export interface ContentionParts {
  readonly store: Pick<Store, "repairs" | "kept">;
  /** Wall-clock ms. */
  readonly now: () => number;
  readonly cut: Cut;
}

const KEY = "contended";

/**
 * Stops Fettle from fighting: the same wrong value came back within the window after a verified repair, as often as
 * the limit says. It ends by `repair`, or when the value was not written again for the quiet time.
 */
export class Contention {
  readonly #store: ContentionParts["store"];
  readonly #now: () => number;
  readonly #cut: Cut;

  constructor({ store, now, cut }: ContentionParts) {
    this.#store = store;
    this.#now = now;
    this.#cut = cut;
  }

  repaired(id: string, changes: readonly Change[]): void {
    this.#store.repairs.add(id, fingerprint(changes), this.#now());
  }

  reset(id: string): void {
    this.#store.repairs.reset(id);
    this.#store.kept.delete(id, KEY);
  }

  /** The arguments of `agent.contended` when this drift is not to be repaired; `written` when an event just showed it. */
  judge(resource: Resource, changes: readonly Change[], limits: Limits | null, written: boolean): CodeArgs | null {
    if (limits === null) return null;
    const value = fingerprint(changes);
    const standing = this.#standing(resource.id);
    if (standing?.value === value) return this.#stands(resource.id, standing, limits, written);
    const { repairs, withinMs } = resource.polled ? limits.gitlab : limits;
    const now = this.#now();
    const count = this.#store.repairs.count(resource.id, value, { from: now - withinMs, to: now });
    if (count < repairs) return null;
    const args = saidArgs(argsOf(changes, count), this.#cut);
    this.#keep(resource.id, { value, until: now + limits.quietMs, args });
    return args;
  }

  /** An end further away than the quiet time is from before the clock was set back. */
  #stands(id: string, standing: Standing, { quietMs }: Limits, written: boolean): CodeArgs | null {
    const now = this.#now();
    const until = written ? now + quietMs : Math.min(standing.until, now + quietMs);
    if (now >= until) {
      this.reset(id);
      return null;
    }
    if (until !== standing.until) this.#keep(id, { ...standing, until });
    return standing.args;
  }

  #standing(id: string): Standing | null {
    const text = this.#store.kept.get(id, KEY);
    return text === null ? null : (JSON.parse(text) as Standing);
  }

  #keep(id: string, standing: Standing): void {
    this.#store.kept.set(id, KEY, JSON.stringify(standing));
  }
}

function fingerprint(changes: readonly Change[]): string {
  return hashOf(changes.map(({ what, from }) => ({ what, from })));
}

function argsOf(changes: readonly Change[], repairs: number): CodeArgs {
  const first = changes[0];
  return { what: first?.what ?? "it", value: first?.from ?? "absent", wanted: first?.to ?? "absent", repairs };
}
