import type { RunView } from "@fettle/shared/api/runs.ts";
import { DRIFTS, type Drift } from "./drifts.ts";
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
  const runs = await until(`${drift.name} is repaired`, HEAL_MS, async () => {
    const found = await repairs(observer, drift, before);
    const all = drift.repairs.every((id) => found.some(({ resource }) => resource === id));
    return all && (await drift.healed(sandbox)) ? found : false;
  });
  await inSync(sandbox, HEAL_MS);
  const seconds = (at: number) => Math.max(0, (at - madeAt) / 1000);
  const detected = Math.min(...runs.map(({ startedAt }) => startedAt));
  const all = await repairs(observer, drift, before);
  const repaired = Math.max(...all.map(({ endedAt }) => endedAt ?? 0));
  return { name: drift.name, detected: seconds(detected), repaired: seconds(repaired), inSync: seconds(Date.now()) };
}

async function repairs(observer: Observer, drift: Drift, before: ReadonlySet<string>): Promise<RunView[]> {
  const runs = await observer.runs(drift.node);
  return runs.filter(({ id, resource, outcome }) => {
    const ours = [...drift.repairs, ...(drift.perhaps ?? [])].includes(resource);
    return !before.has(id) && outcome === "repaired" && ours;
  });
}

export async function healAll(sandbox: Sandbox, onHealed: (healing: Healing) => void): Promise<Healing[]> {
  const healings: Healing[] = [];
  for (const drift of DRIFTS) {
    const healing = await heal(sandbox, drift);
    onHealed(healing);
    healings.push(healing);
  }
  return healings;
}
