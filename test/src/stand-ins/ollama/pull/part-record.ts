import { readFileSync, writeFileSync } from "node:fs";

/** `sha256-<hex>-partial-N`: how far part N of a blob has come. */
export interface PartRecord {
  N: number;
  Offset: number;
  Size: number;
  Completed: number;
}

const PARTS = 16;
const MIN_PART = 100_000_000;
const MAX_PART = 1_000_000_000;

export function cutIntoParts(total: number, smallest = MIN_PART): PartRecord[] {
  const size = Math.max(smallest, Math.min(MAX_PART, Math.floor(total / PARTS)), 1);
  const parts: PartRecord[] = [];
  for (let offset = 0; offset < total; offset += size) {
    parts.push({ N: parts.length, Offset: offset, Size: Math.min(size, total - offset), Completed: 0 });
  }
  return parts;
}

/** An empty record (a disk that was full) reads as `EOF`, and every later pull of the blob fails with that. */
export function readPart(path: string): PartRecord {
  const text = readFileSync(path, "utf8");
  if (text === "") throw new Error("EOF");
  return JSON.parse(text) as PartRecord;
}

export function writePart(path: string, part: PartRecord): void {
  const { N, Offset, Size, Completed } = part;
  writeFileSync(path, `${JSON.stringify({ N, Offset, Size, Completed })}\n`);
}
