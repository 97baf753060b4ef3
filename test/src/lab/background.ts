import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "./lab-error.ts";
import { until } from "./until.ts";

type Record = { pid: number; started: string };

/**
 * Starts a process that outlives this one, with its output in FOLDER/NAME.log. What was started is remembered in
 * FOLDER/NAME.pid with the process's start time, so that a reused process id is never taken for ours.
 */
export function startBackground(folder: string, name: string, argv: string[], env: NodeJS.ProcessEnv = {}): void {
  mkdirSync(folder, { recursive: true });
  const [file = "", ...args] = argv;
  const log = openSync(join(folder, `${name}.log`), "a");
  const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log], env: { ...process.env, ...env } });
  closeSync(log);
  child.unref();
  const started = child.pid === undefined ? undefined : startTime(child.pid);
  if (child.pid === undefined || started === undefined) {
    throw new LabError("lab.background.failed", `${argv.join(" ")} cannot be started; see ${folder}/${name}.log`);
  }
  writeFileSync(join(folder, `${name}.pid`), JSON.stringify({ pid: child.pid, started }));
}

export function isBackgroundRunning(folder: string, name: string): boolean {
  const record = readRecord(folder, name);
  return record !== undefined && startTime(record.pid) === record.started;
}

/** Ends what startBackground started; false if it was not running. */
export async function stopBackground(folder: string, name: string, timeoutMs = 20_000): Promise<boolean> {
  const record = readRecord(folder, name);
  const running = record !== undefined && startTime(record.pid) === record.started;
  if (running) {
    process.kill(record.pid, "SIGTERM");
    await until(`${name} to end`, timeoutMs, async () => startTime(record.pid) !== record.started || undefined);
  }
  rmSync(join(folder, `${name}.pid`), { force: true });
  return running;
}

/** Ends it as `kill -9` does. */
export async function killBackground(folder: string, name: string): Promise<void> {
  const record = readRecord(folder, name);
  if (record === undefined || startTime(record.pid) !== record.started) return;
  process.kill(record.pid, "SIGKILL");
  await until(`${name} to be gone`, 5_000, async () => startTime(record.pid) !== record.started || undefined);
}

function readRecord(folder: string, name: string): Record | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.pid`), "utf8"));
  } catch {
    return undefined;
  }
}

/** When the process started, in ticks since boot; undefined for one that is gone or only waits to be reaped. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
