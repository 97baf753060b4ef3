/**
 * A container's process: a real one of this machine, leader of its own group. Its output goes through pipes to this
 * engine; if the engine is killed it lives on, but only until it next writes a line.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "./command.ts";
import type { ContainerLog } from "./log.ts";

/** One that has left the group keeps the streams open; nobody waits for it. */
const LONGEST_CLOSE_MS = 1000;

export interface Running {
  pid: number;
  pidStart: string;
  /** The exit code, or 128 and the signal. */
  exited: Promise<number>;
}

/** Throws what the spawn says, ENOENT for one. */
export async function startProcess({ argv, env }: Command, log: ContainerLog): Promise<Running> {
  const [file, ...args] = argv;
  const child = spawn(file, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  await once(child, "spawn");
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => log.write("stdout", chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => log.write("stderr", chunk));
  const pid = child.pid ?? 0;
  return { pid, pidStart: startOf(pid), exited: ended(child, pid, log) };
}

async function ended(child: ChildProcess, pid: number, log: ContainerLog): Promise<number> {
  const closed = once(child, "close");
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  // What it started dies with it, as with the first process of a real container; only then do its streams end.
  signalGroup(pid, "SIGKILL");
  await Promise.race([closed, sleep(LONGEST_CLOSE_MS, undefined, { ref: false })]);
  log.flush();
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  sendSignal(-pid, signal);
}

/** One that is gone already is as good as one that ends. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The start of a process in the kernel's ticks; "" when there is none. */
export function startOf(pid: number): string {
  const file = `/proc/${pid}/stat`;
  if (pid <= 0 || !existsSync(file)) return "";
  // The name, the second field, may hold blanks and brackets: fields are counted after its last bracket.
  const fields = readFileSync(file, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields[0] === "Z" ? "" : (fields[19] ?? "");
}

/** Whether a process that is nobody's child here has ended within the time. */
export async function gone(pid: number, pidStart: string, seconds: number): Promise<boolean> {
  const ends = Date.now() + seconds * 1000;
  while (startOf(pid) === pidStart) {
    if (Date.now() > ends) return false;
    await sleep(20);
  }
  return true;
}
