import { heal, inSync } from "../sandbox/check.ts";
import { DRIFTS, type Drift } from "../sandbox/drifts.ts";
import { NODES } from "../sandbox/layout.ts";
import { buildPrograms } from "../sandbox/programs.ts";
import { Sandbox } from "../sandbox/sandbox.ts";
import { BARE } from "./bare.ts";
import { type Spread, spreadOf, table } from "./statistics.ts";

/** Seconds; `added` is Fettle's repair less the bare commands' median. */
export interface RepairRow {
  readonly drift: string;
  readonly times: number;
  readonly detection: Spread;
  readonly repair: Spread;
  readonly bare: Spread;
  readonly ratio: number;
  readonly added: Spread;
}

const GITLAB_POLL_SECONDS = 5;

/** Each drift `times` times: until Fettle sees it, from then until it is verified, and the bare commands doing the same. */
export async function repairBench(times: number, say: (line: string) => void): Promise<RepairRow[]> {
  const sandbox = new Sandbox(await buildPrograms(), { contention: "off", gitlabPollSeconds: GITLAB_POLL_SECONDS });
  try {
    await sandbox.start();
    await inSync(sandbox);
    const measured = new Map<string, Array<{ detection: number; repair: number }>>();
    for (const drift of DRIFTS) measured.set(drift.name, await fettle(sandbox, drift, times, say));
    await Promise.all(NODES.map((node) => sandbox.agents[node].stop()));
    const rows: RepairRow[] = [];
    for (const drift of DRIFTS) {
      const bare = await byHand(sandbox, drift, times);
      rows.push(rowOf(drift.name, measured.get(drift.name) ?? [], bare));
    }
    return rows;
  } finally {
    await sandbox.stop();
  }
}

async function fettle(sandbox: Sandbox, drift: Drift, times: number, say: (line: string) => void) {
  const found: Array<{ detection: number; repair: number }> = [];
  for (let time = 0; time < times; time += 1) {
    const { detected, repaired } = await heal(sandbox, drift);
    found.push({ detection: detected, repair: repaired - detected });
    say(`${drift.name} ${time + 1}: ${detected.toFixed(2)} s + ${(repaired - detected).toFixed(2)} s`);
  }
  return found;
}

async function byHand(sandbox: Sandbox, drift: Drift, times: number): Promise<number[]> {
  const bare = BARE[drift.name];
  if (!bare) throw new Error(`nobody has written down the commands for ${drift.name}`);
  const found: number[] = [];
  await bare.prepare(sandbox);
  for (let time = 0; time < times; time += 1) {
    await drift.make(sandbox);
    const startedAt = performance.now();
    await bare.repair(sandbox);
    found.push((performance.now() - startedAt) / 1000);
  }
  return found;
}

function rowOf(drift: string, found: ReadonlyArray<{ detection: number; repair: number }>, bare: number[]): RepairRow {
  const byHand = spreadOf(bare);
  const repair = spreadOf(found.map((one) => one.repair));
  return {
    drift,
    times: found.length,
    detection: spreadOf(found.map((one) => one.detection)),
    repair,
    bare: byHand,
    ratio: repair.median / byHand.median,
    added: spreadOf(found.map((one) => one.repair - byHand.median)),
  };
}

export function repairTable(rows: readonly RepairRow[]): string {
  const head = ["drift", "times", "detection", "p95", "repair", "p95", "bare", "p95", "ratio", "added", "p95"];
  const s = (value: number) => `${value.toFixed(2)} s`;
  const lines = rows.map(({ drift, times, detection, repair, bare, ratio, added }) => {
    const pairs = [detection, repair, bare].flatMap(({ median, p95 }) => [s(median), s(p95)]);
    return [drift, String(times), ...pairs, ratio.toFixed(2), s(added.median), s(added.p95)];
  });
  return `${table([head, ...lines])}\nmedian and p95; GitLab's settings are looked at every ${GITLAB_POLL_SECONDS} s here`;
}
