import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const NAME = /^\.(?:backup|restore)-(\d+)-/;

/** Runs `work` with a private folder in `data`, of which nothing is left afterwards. */
export async function withWorkFolder<T>(
  data: string,
  kind: "backup" | "restore",
  work: (folder: string) => Promise<T>,
): Promise<T> {
  await removeLeft(data);
  const folder = join(data, `.${kind}-${process.pid}-${randomUUID()}`);
  await mkdir(folder, { mode: 0o700 });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a process that was killed has left: keys and a database in the clear. What is root's stays for root. */
async function removeLeft(data: string): Promise<void> {
  for (const name of await readdir(data)) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(data, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
