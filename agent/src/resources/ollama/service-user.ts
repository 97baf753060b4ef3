import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Files } from "../../system/files.ts";
import type { Host } from "../../system/host.ts";

const NAME = "ollama";
const HOME = "/usr/share/ollama";
/** Groups that may use a graphics card. */
const CARD_GROUPS = ["render", "video"];
const COMMAND_MS = 60_000;

export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user that Ollama runs as; null when there is none. */
export function serviceUser(files: Files): Promise<ServiceUser | null> {
  return entryOf(files, NAME);
}

/**
 * Who unpacks an archive. Not Ollama's own user where there is another: a server that was taken over could change what
 * is being unpacked, and people run that program as root.
 */
export async function unprivilegedUser(files: Files): Promise<ServiceUser> {
  const user = (await entryOf(files, "nobody")) ?? (await serviceUser(files));
  if (!user) throw new FettleError("ollama.install.user-failed", { problem: "this machine has no user nobody" });
  return user;
}

async function entryOf(files: Files, name: string): Promise<ServiceUser | null> {
  const line = ((await files.readText("/etc/passwd")) ?? "").split("\n").find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined || gid === undefined ? null : { name, uid: Number(uid), gid: Number(gid) };
}

/** Makes the user as the vendor's installer does (facts: ollama.md section 1); one that is there stays as it is. */
export async function makeServiceUser(host: Host, signal: AbortSignal): Promise<ServiceUser> {
  const there = await serviceUser(host.files);
  if (there) return there;
  const groups = await groupNames(host.files);
  const group = groups.includes(NAME) ? ["-g", NAME] : ["-U"];
  await command(host, ["useradd", "-r", "-s", "/bin/false", ...group, "-m", "-d", HOME, NAME], signal);
  for (const name of CARD_GROUPS)
    if (groups.includes(name)) await command(host, ["usermod", "-aG", name, NAME], signal);
  const made = await serviceUser(host.files);
  if (!made) throw new FettleError("ollama.install.user-failed", { problem: "useradd made no entry in /etc/passwd" });
  return made;
}

async function groupNames(files: Files): Promise<string[]> {
  return ((await files.readText("/etc/group")) ?? "").split("\n").map((line) => line.slice(0, line.indexOf(":")));
}

async function command(host: Host, argv: readonly string[], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await host.exec.run(argv, { timeoutMs: COMMAND_MS, signal });
  if (code === 0) return;
  const problem = `${argv[0]} ended with ${code ?? "a signal"}: ${stderr.trim().slice(0, 300)}`;
  throw new FettleError("ollama.install.user-failed", { problem });
}
