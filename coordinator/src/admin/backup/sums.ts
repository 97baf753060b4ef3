import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BackupFile } from "./manifest.ts";

/** sha256 and length of a file, read as it comes. */
export async function sumOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of createReadStream(path)) {
    hash.update(piece as Buffer);
    bytes += (piece as Buffer).length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Every file below `folder`, sorted, with `prefix` before its path; links and the like are left out. */
export async function filesBelow(folder: string, prefix: string): Promise<BackupFile[]> {
  const found: BackupFile[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path, `${prefix}${entry.name}/`)));
    else if (entry.isFile()) found.push({ path: `${prefix}${entry.name}`, ...(await sumOf(path)) });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
