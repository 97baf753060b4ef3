import { chown, mkdir, readFile, rmdir } from "node:fs/promises";

const USER = "fettle";

/** Runs `work` with the data folder there; one that was made for it is gone again when `work` fails. */
export async function withDataFolder<T>(data: string, work: (data: string) => Promise<T>): Promise<T> {
  const made = await mkdir(data, { recursive: true, mode: 0o700 });
  try {
    if (made !== undefined) await giveToUser(data);
    return await work(data);
  } catch (error) {
    if (made !== undefined) await rmdir(data).catch(() => undefined);
    throw error;
  }
}

/** As root: the folder becomes the service's user's, where there is one. */
async function giveToUser(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const users = await readFile("/etc/passwd", "utf8").catch(() => "");
  const [, , uid, gid] =
    users
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === USER) ?? [];
  if (uid !== undefined && gid !== undefined) await chown(path, Number(uid), Number(gid));
}
