import { readFile } from "node:fs/promises";
import type { Proc } from "../proc.ts";
import { allPids, listProc, readProc } from "./proc-fs.ts";
import { unless } from "./system-error.ts";

/** One tick of /proc's CPU times: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
const MAX_COMMAND = 300;
/** What reads of a process that is no more answer. */
const GONE = ["ENOENT", "ESRCH"];

export const realProc: Proc = { environ, tree, cpuMs, ageMs, command };

async function environ(pid: number): Promise<Readonly<Record<string, string>> | null> {
  const text = await unless(GONE, () => readFile(`/proc/${pid}/environ`, "utf8"));
  // Of a process that has ended and was not waited for yet it is empty.
  if (text === null || (text === "" && statFields(pid)?.[STATE] === "Z")) return null;
  const pairs = text.split("\0").filter((entry) => entry.includes("="));
  return Object.fromEntries(pairs.map((entry) => [entry.slice(0, entry.indexOf("=")), afterEquals(entry)]));
}

async function tree(pid: number): Promise<readonly number[]> {
  if (readProc(`/proc/${pid}/stat`) === null) return [];
  const childrenOf = kernelListsChildren() ? listedChildren : scannedChildren();
  const found = new Set([pid]);
  // A set may grow while it is walked: what is added is visited too.
  for (const parent of found) for (const child of childrenOf(parent)) found.add(child);
  return [...found];
}

async function cpuMs(pid: number): Promise<number | null> {
  const fields = statFields(pid);
  return fields === null ? null : (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MS;
}

/** Both ends of the interval are counted from the boot, so that setting the time changes nothing. */
async function ageMs(pid: number): Promise<number | null> {
  const started = statFields(pid)?.[STARTTIME];
  const uptime = Number(readProc("/proc/uptime")?.split(" ")[0]);
  return started === undefined ? null : Math.max(0, uptime * 1000 - Number(started) * TICK_MS);
}

async function command(pid: number): Promise<string | null> {
  const text = await unless(GONE, () => readFile(`/proc/${pid}/cmdline`, "utf8"));
  if (text === null) return null;
  const line = text.replace(/\0+$/, "").replaceAll("\0", " ");
  return (line || `[${readProc(`/proc/${pid}/comm`)?.trim() ?? "gone"}]`).slice(0, MAX_COMMAND);
}

function afterEquals(entry: string): string {
  return entry.slice(entry.indexOf("=") + 1);
}

/** Where proc(5)'s fields are, counted after the command's closing parenthesis: its state is 0. */
const STATE = 0;
const PPID = 1;
const UTIME = 11;
const STIME = 12;
const STARTTIME = 19;

function statFields(pid: number): readonly string[] | null {
  const text = readProc(`/proc/${pid}/stat`);
  // The command stands in parentheses and may hold anything, parentheses too.
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Kernels without CONFIG_PROC_CHILDREN lack the file. */
function kernelListsChildren(): boolean {
  return readProc(`/proc/self/task/${process.pid}/children`) !== null;
}

function listedChildren(pid: number): readonly number[] {
  const lists = listProc(`/proc/${pid}/task`).map((thread) => readProc(`/proc/${pid}/task/${thread}/children`) ?? "");
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

/** One look at every process's parent. */
function scannedChildren(): (pid: number) => readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = Number(statFields(pid)?.[PPID] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return (pid) => children.get(pid) ?? [];
}
