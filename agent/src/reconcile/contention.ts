import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { Contention as Limits } from "@fettle/shared/protocol/desired.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Resource } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";

/** What is kept of a contention, so that it survives a restart. */
interface Standing {
  readonly value: string;
  /** Wall-clock ms: without that write until then, one more repair is tried. */
  readonly until: number;
  readonly args: CodeArgs;
}

const KEY = "contended";

/**
 * Stops Fettle from fighting: the same wrong value came back within the window after a verified repair, as often as
 * the limit says. It ends by `repair`, or when the value was not written again for the quiet time.
 */
export class Contention {
  readonly #store: Pick<Store, "repairs" | "kept">;
  readonly #now: () => number;

  constructor(store: Pick<Store, "repairs" | "kept">, now: () => number) {
    this.#store = store;
    this.#now = now;
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
    if (standing && standing.value === value) return this.#stands(resource.id, standing, limits, written);
    const { repairs, withinMs } = resource.polled ? limits.gitlab : limits;
    const count = this.#store.repairs.count(resource.id, value, this.#now() - withinMs);
    if (count < repairs) return null;
    const args = argsOf(changes, count);
    this.#keep(resource.id, { value, until: this.#now() + limits.quietMs, args });
    return args;
  }

  #stands(id: string, standing: Standing, limits: Limits, written: boolean): CodeArgs | null {
    if (written) this.#keep(id, { ...standing, until: this.#now() + limits.quietMs });
    else if (this.#now() >= standing.until) {
      this.reset(id);
      return null;
    }
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
