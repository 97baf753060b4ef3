import { basename, dirname } from "node:path";
import { run, runPiped } from "./command.ts";
import type { Host } from "./host.ts";

// Through tar inside the host and not by `docker cp`, which writes below mounted folders such as /run and /tmp.

/** Copies a file or folder of this machine into a folder of the host, owned by root there. */
export async function copyIn(host: Host, from: string, toFolder: string): Promise<void> {
  await host.run(["mkdir", "-p", toFolder]);
  const pack = ["tar", "--create", "--owner=0", "--group=0", "--directory", dirname(from), basename(from)];
  const unpack = ["docker", "exec", "--interactive", host.container, "tar", "--extract", "--directory", toFolder];
  await runPiped(pack, unpack, { timeoutMs: 180_000 });
}

/** Copies a file or folder of the host into a folder of this machine. */
export async function copyOut(host: Host, from: string, toFolder: string): Promise<void> {
  await run(["mkdir", "-p", toFolder]);
  const pack = ["docker", "exec", host.container, "tar", "--create", "--directory", dirname(from), basename(from)];
  await runPiped(pack, ["tar", "--extract", "--directory", toFolder], { timeoutMs: 180_000 });
}

/** Writes a file of the host, with its folders; mode in octal. */
export async function writeFile(host: Host, path: string, content: string | Buffer, mode = "0644"): Promise<void> {
  await host.run(["install", "-D", "--mode", mode, "/dev/stdin", path], { input: content });
}

export function readFile(host: Host, path: string): Promise<string> {
  return host.run(["cat", path]);
}
