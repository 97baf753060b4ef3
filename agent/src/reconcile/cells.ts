import type { Resource } from "../resources/resource.ts";
import { type ActiveRun, type Cell, newCell, say } from "./cell.ts";
import { comesAfter } from "./order.ts";

/** More of what was taken out of the stack is not remembered. */
const MAX_RELEASED = 50;

/** What is kept, in order, and what was taken out of the stack and is only remembered. */
export class Cells implements Iterable<Cell> {
  #kept = new Map<string, Cell>();
  readonly #released = new Map<string, Cell>();

  [Symbol.iterator](): Iterator<Cell> {
    return this.#kept.values();
  }

  get(id: string): Cell | undefined {
    return this.#kept.get(id);
  }

  /** Kept and released. */
  all(): Cell[] {
    return [...this.#kept.values(), ...this.#released.values()];
  }

  /** These from now on, in this order; what is the same keeps what is known of it. `now` is wall-clock ms. */
  replace(resources: readonly Resource[], now: number): void {
    const before = this.#kept;
    this.#kept = new Map(resources.map((resource) => [resource.id, this.#next(resource, before, now)]));
    for (const [id, old] of before) if (!this.#kept.has(id)) this.#release(id, old, now);
    for (const id of this.#kept.keys()) this.#released.delete(id);
    for (const [id, { run }] of this.#released)
      if (this.#released.size > MAX_RELEASED && run === null) this.#released.delete(id);
  }

  /** The cell whose run this is; null when nobody waits for it. */
  holding(run: ActiveRun): Cell | null {
    return this.all().find((cell) => cell.run === run) ?? null;
  }

  /** Everything that comes after it, directly or through others. */
  after(id: string): Cell[] {
    const resources = new Map([...this].map(({ resource }) => [resource.id, resource]));
    return [...this].filter(({ resource }) => comesAfter(resources, resource.id, id));
  }

  runs(): ActiveRun[] {
    return this.all().flatMap(({ run }) => run ?? []);
  }

  #next(resource: Resource, before: ReadonlyMap<string, Cell>, now: number): Cell {
    const old = before.get(resource.id);
    if (old && old.resource.hash === resource.hash) return { ...old, resource };
    const cell = newCell(resource, now);
    // What still runs goes on under the new cell, so that there is never a second one beside it.
    cell.run = (old ?? this.#released.get(resource.id))?.run ?? null;
    if (old) giveUp(old, "there is a newer declaration");
    return cell;
  }

  #release(id: string, old: Cell, now: number): void {
    giveUp(old, "it was taken out of the stack");
    const cell = newCell(old.resource, now);
    cell.run = old.run;
    say(cell, now, "released", null, {});
    this.#released.set(id, cell);
  }
}

/** A job ends at once; a short repair is not torn in the middle, but nobody waits for it to settle. */
function giveUp(cell: Cell, why: string): void {
  if (cell.run) cell.run.givenUp = why;
  stopJob(cell, why);
}

/** A job is abortable and resumed later; a short repair goes on to its end. */
export function stopJob({ resource, run }: Cell, why: string): void {
  if (run && resource.long) run.abort.abort(new Error(why));
}
