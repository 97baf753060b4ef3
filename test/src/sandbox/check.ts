import type { RunView } from "@fettle/shared/api/runs.ts";
import type { Drift } from "./drifts.ts";
import { Observer } from "./observer.ts";
import type { Sandbox } from "./sandbox.ts";
import { until } from "./until.ts";

/** One drift from its making to the stack being in sync again; seconds. */
export interface Healing {
  readonly name: string;
  readonly detected: number;
  readonly repaired: number;
  readonly inSync: number;
}

const CONVERGE_MS = 180_000;
const HEAL_MS = 60_000;
const OUTSIDE_MS = 20;
const LATE_MS = 1_000;

export async function inSync(sandbox: Sandbox, limitMs = CONVERGE_MS): Promise<void> {
  const observer = new Observer(sandbox);
  try {
    await until("the stack is in sync", limitMs, async () => (await observer.status()).word === "in-sync");
  } catch (error) {
    throw new Error(`${String(error)}\n${await sandbox.fettle(["status"])}`);
  }
}

/** Makes a drift from outside and waits until it is repaired, seen both from outside and by Fettle. */
export async function heal(sandbox: Sandbox, drift: Drift): Promise<Healing> {
  const observer = new Observer(sandbox);
  const before = new Set((await observer.runs(drift.node)).map(({ id }) => id));
  const madeAt = Date.now();
  await drift.make(sandbox);
  const outside = new OutsideWatch(() => drift.healed(sandbox));
  const runs = await until(`${drift.name} is repaired`, HEAL_MS, async () => {
    const found = await repairs(observer, drift, before);
    const all = drift.repairs.every((id) => found.some(({ resource }) => resource === id));
    return all && (await drift.healed(sandbox)) ? found : false;
  });
  await inSync(sandbox, HEAL_MS);
  const servedAt = await outside.end();
  const seconds = (at: number) => Math.max(0, (at - madeAt) / 1000);
  const detected = Math.min(...runs.map(({ startedAt }) => startedAt));
  const all = await repairs(observer, drift, before);
  const repaired = Math.max(servedAt, ...all.map(({ endedAt }) => endedAt ?? 0));
  return { name: drift.name, detected: seconds(detected), repaired: seconds(repaired), inSync: seconds(Date.now()) };
}

async function repairs(observer: Observer, drift: Drift, before: ReadonlySet<string>): Promise<RunView[]> {
  const runs = await observer.runs(drift.node);
  return runs.filter(({ id, resource, outcome }) => {
    const ours = [...drift.repairs, ...(drift.perhaps ?? [])].includes(resource);
    return !before.has(id) && outcome === "repaired" && ours;
  });
}

/** One question that a restart swallowed must not hold the rest. */
async function late(answer: boolean): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  return answer;
}

/** Asks from outside again and again whether all is well, and keeps since when it is. */
class OutsideWatch {
  #wellSince: number | null = null;
  #ended = false;
  readonly #done: Promise<void>;

  constructor(isWell: () => Promise<boolean>) {
    this.#done = this.#watch(isWell);
  }

  /** Wall-clock ms since when it has been well without a break. */
  async end(): Promise<number> {
    this.#ended = true;
    await this.#done;
    return this.#wellSince ?? Date.now();
  }

  async #watch(isWell: () => Promise<boolean>): Promise<void> {
    while (!this.#ended) {
      const well = await Promise.race([isWell().catch(() => false), late(false)]);
      if (!well) this.#wellSince = null;
      else this.#wellSince ??= Date.now();
      await new Promise((resolve) => setTimeout(resolve, OUTSIDE_MS));
    }
  }
}
