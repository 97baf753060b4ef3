import { existsSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../durable.ts";

/** What a coordinator is on disk. */
const PARTS = ["pki", "fettle.db", "fettle.db-wal", "fettle.db-shm"];

type Move = readonly [from: string, to: string];

/**
 * Moves what lies in `from` into the data folder, after what was there has been moved aside; returns where to, or null.
 * The database comes last: until it is there, there is no coordinator. When a move fails, those before it are undone.
 */
export async function settle(from: string, data: string, at: number): Promise<string | null> {
  const there = PARTS.filter((name) => existsSync(join(data, name)));
  const aside =
    there.length === 0 ? null : join(data, `replaced-${new Date(at).toISOString().replace(/[-:]|\.\d+/g, "")}`);
  if (aside !== null) await mkdir(aside, { mode: 0o700 });
  const away = aside === null ? [] : there.map((name): Move => [join(data, name), join(aside, name)]);
  const into = ["pki", "fettle.db"].map((name): Move => [join(from, name), join(data, name)]);
  await chmod(join(from, "fettle.db"), 0o600);
  await chmod(join(from, "pki"), 0o700);
  await moveAll([...away, ...into]);
  await syncFolder(data);
  return aside;
}

async function moveAll(moves: readonly Move[]): Promise<void> {
  const done: Move[] = [];
  try {
    for (const [from, to] of moves) {
      await rename(from, to);
      done.push([from, to]);
    }
  } catch (error) {
    for (const [from, to] of done.reverse()) await rename(to, from);
    throw error;
  }
}
