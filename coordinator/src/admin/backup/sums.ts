import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { sumOf } from "../../sum-of.ts";
import type { BackupFile } from "./manifest.ts";

/** Every file below `folder`, sorted, with `prefix` before its path; links and the like are left out. */
export async function filesBelow(folder: string, prefix: string): Promise<BackupFile[]> {
  const found: BackupFile[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path, `${prefix}${entry.name}/`)));
    else if (entry.isFile()) found.push({ path: `${prefix}${entry.name}`, ...(await sumOf(createReadStream(path))) });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
