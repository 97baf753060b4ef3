import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Items } from "../../mirror/items.ts";
import { MANIFEST_SUFFIX } from "../../mirror/releases.ts";

/** What lies beside the database and is in no backup, since it is large and can be fetched again: as it is named. */
export async function keptApart(data: string): Promise<string[]> {
  const [items, releases] = await Promise.all([Items.open(join(data, "mirror")), releasesOf(join(data, "releases"))]);
  return [...items.all.map(({ item }) => `${item.kind} ${item.name}`), ...releases].sort();
}

async function releasesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const signed = names.filter((name) => name.endsWith(MANIFEST_SUFFIX));
  return signed.map((name) => `agent ${name.slice(0, -MANIFEST_SUFFIX.length)}`);
}
