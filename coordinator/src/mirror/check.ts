import { createReadStream } from "node:fs";
import { sumOf } from "../sum-of.ts";
import type { Blobs } from "./blobs.ts";
import type { StoredItem } from "./items.ts";

export interface Checked {
  readonly files: number;
  readonly bytes: number;
  readonly damaged: { sha256: string; problem: string; items: string[] }[];
}

/** Reads every file that an item names, one after the other. */
export async function checkFiles(blobs: Blobs, all: readonly StoredItem[]): Promise<Checked> {
  const files = new Map(all.flatMap((stored) => stored.files).map((file) => [file.sha256, file.size]));
  const damaged: Checked["damaged"] = [];
  let bytes = 0;
  for (const [sha256, size] of files) {
    const problem = await problemOf(blobs, sha256, size);
    if (problem === null) bytes += size;
    else damaged.push({ sha256, problem, items: usersOf(all, sha256) });
  }
  return { files: files.size, bytes, damaged };
}

async function problemOf(blobs: Blobs, sha256: string, size: number): Promise<string | null> {
  const found = await blobs.sizeOf(sha256);
  if (found === null) return "it is not there";
  if (found !== size) return `it has ${found} bytes and not ${size}`;
  const read = await sumOf(createReadStream(blobs.path(sha256), { highWaterMark: 1024 * 1024 }));
  return read.sha256 === sha256 ? null : `its sha256 is ${read.sha256}`;
}

function usersOf(all: readonly StoredItem[], sha256: string): string[] {
  return all
    .filter(({ files }) => files.some((file) => file.sha256 === sha256))
    .map(({ item: { kind, name } }) => `${kind} ${name}`);
}
