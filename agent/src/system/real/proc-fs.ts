import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * /proc by plain synchronous reads: the kernel answers from memory, and a read through the thread pool costs ten times
 * as much. Not for `environ` and `cmdline`, which can wait for a process that hangs in the kernel.
 */
export function readProc(path: string): string | null {
  return gone(() => readFileSync(path, "latin1"));
}

export function listProc(path: string): readonly string[] {
  return gone(() => readdirSync(path)) ?? [];
}

export function linkInProc(path: string): string | null {
  return gone(() => readlinkSync(path));
}

export function allPids(): readonly number[] {
  return listProc("/proc").map(Number).filter(Number.isInteger);
}

/** Processes end while one looks at them, and others may not be looked at. */
function gone<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
