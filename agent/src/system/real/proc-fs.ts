import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";

/**
 * /proc by plain synchronous reads: the kernel answers from memory, and a read through the thread pool costs ten times
 * as much. Not for `environ` and `cmdline`, which can wait for a process that hangs in the kernel.
 */
export function readProc(path: string): string | null {
  return gone(() => readFileSync(path, "latin1"));
}

/** About a line of /proc/net/tcp: what is not asked for is not made. */
const BITE = 160;

/** The first lines for which `goesOn` is true, read no further than that needs; empty when the file cannot be read. */
export function readProcWhile(path: string, goesOn: (line: string) => boolean): string {
  const file = gone(() => openSync(path, "r"));
  if (file === null) return "";
  const buffer = Buffer.allocUnsafe(BITE);
  try {
    let text = "";
    for (let line = 0; ; ) {
      const length = readSync(file, buffer);
      if (length === 0) return text;
      text += buffer.toString("latin1", 0, length);
      for (let end = text.indexOf("\n", line); end >= 0; end = text.indexOf("\n", line)) {
        if (!goesOn(text.slice(line, end))) return text.slice(0, line);
        line = end + 1;
      }
    }
  } catch {
    return "";
  } finally {
    closeSync(file);
  }
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
