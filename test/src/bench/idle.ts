import { readFileSync } from "node:fs";
import { inSync } from "../sandbox/check.ts";
import { NODES } from "../sandbox/layout.ts";
import { buildPrograms } from "../sandbox/programs.ts";
import { Sandbox } from "../sandbox/sandbox.ts";
import { table } from "./statistics.ts";

export interface IdleRow {
  readonly process: string;
  readonly rssMiB: number;
  /** Share of one core, in per cent. */
  readonly cpuPercent: number;
}

/** Memory and CPU of every Fettle process of a stack that has been in sync and left alone for `seconds`. */
export async function idleBench(seconds: number, say: (line: string) => void): Promise<IdleRow[]> {
  // The poll is that of a VM: this is about what an idle stack costs there.
  const sandbox = new Sandbox(await buildPrograms(), { gitlabPollSeconds: 60 });
  try {
    await sandbox.start();
    await inSync(sandbox);
    const processes = [
      ["coordinator", sandbox.coordinator] as const,
      ...NODES.map((node) => [`agent ${node}`, sandbox.agents[node]] as const),
    ];
    const before = processes.map(([, child]) => cpuMs(child.pid ?? 0));
    const startedAt = performance.now();
    say(`in sync; waiting ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const spent = performance.now() - startedAt;
    return processes.map(([name, child], at) => ({
      process: name,
      rssMiB: rssMiB(child.pid ?? 0),
      cpuPercent: ((cpuMs(child.pid ?? 0) - (before[at] ?? 0)) / spent) * 100,
    }));
  } finally {
    await sandbox.stop();
  }
}

function rssMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

const TICK_MS = 10;

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function idleTable(rows: readonly IdleRow[]): string {
  const lines = rows.map((row) => [row.process, `${row.rssMiB.toFixed(1)} MiB`, `${row.cpuPercent.toFixed(2)} %`]);
  return table([["process", "VmRSS", "CPU of a core"], ...lines]);
}
