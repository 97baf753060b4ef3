import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { Reconciler, ReconcilerParts } from "../context.ts";
import { pass } from "./pass.ts";
import { type Preview, preview } from "./preview.ts";
import { KeyQueue } from "./queue.ts";
import { readStack, type StackView } from "./stack-view.ts";

const RETRY = { firstMs: 500, capMs: 30_000 };
/** The clock is looked at this often for gates that become stuck and pauses that end. */
const LONGEST_REST_MS = 60_000;

export function createReconciler(parts: ReconcilerParts): Reconciler {
  return new ReconcilerLoop(parts);
}

/** One pass at a time: there is one writer, and a pass is short. A touch during a node's own pass makes another. */
class ReconcilerLoop implements Reconciler {
  readonly id = "reconciler";
  readonly #parts: ReconcilerParts;
  readonly #queue = new KeyQueue();
  /** Wall clock at which a node is due by itself. */
  readonly #due = new Map<string, number>();
  readonly #failures = new Map<string, number>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  touch(node: string): void {
    this.#queue.add(node, true);
  }

  touchAll(stack: string): void {
    void this.#parts.store.nodes
      .ofStack(stack)
      .then((rows) => {
        for (const { node } of rows) this.#queue.add(node, false);
      })
      .catch((error: unknown) => this.#parts.logger.error({ err: error, stack }, "nodes not read"));
  }

  read(stack: string): Promise<StackView | null> {
    return readStack(this.#parts.store, this.#parts.hub, stack, this.#parts.clock.now());
  }

  preview(spec: StackSpec): Promise<Preview> {
    return preview(this.#parts.store, spec, this.#parts.clock.now());
  }

  async run(signal: AbortSignal): Promise<void> {
    for (const { node } of await this.#parts.store.nodes.all()) this.#queue.add(node, false);
    while (!signal.aborted) {
      for (let next = this.#queue.take(); next !== undefined && !signal.aborted; next = this.#queue.take())
        await this.#look(next.key, next.spread);
      await this.#rest(signal);
    }
  }

  async #look(node: string, spread: boolean): Promise<void> {
    try {
      const { dependents, nextAt, lost } = await pass(this.#parts, node);
      this.#failures.delete(node);
      if (nextAt === null) this.#due.delete(node);
      else this.#due.set(node, nextAt);
      if (lost) this.#queue.add(node, spread);
      else if (spread) for (const other of dependents) this.#queue.add(other, false);
    } catch (error) {
      this.#failed(node, error);
    }
  }

  #failed(node: string, error: unknown): void {
    const failures = (this.#failures.get(node) ?? 0) + 1;
    this.#failures.set(node, failures);
    const { clock, logger } = this.#parts;
    this.#due.set(node, clock.now() + backoffMs(failures, () => 0.5 + clock.random() / 2, RETRY));
    logger.error({ err: error, node, failures }, "node not reconciled");
  }

  /** Until a key is touched or the first node is due by itself. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const first = Math.min(...this.#due.values(), clock.now() + LONGEST_REST_MS);
    const wake = new AbortController();
    const sleep = clock.sleep(Math.max(0, first - clock.now()), AbortSignal.any([signal, wake.signal]));
    await Promise.race([this.#queue.some(), sleep.catch(() => undefined)]);
    wake.abort();
    const now = clock.now();
    for (const [node, at] of this.#due) {
      if (at > now) continue;
      this.#due.delete(node);
      this.#queue.add(node, false);
    }
  }
}
