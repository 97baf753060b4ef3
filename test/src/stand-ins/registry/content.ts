import { createCipheriv, createHash } from "node:crypto";

/** Bytes with a name: any range of them can be had without holding the rest. */
export interface Content {
  size: number;
  /** `sha256:<hex>` */
  digest: string;
  /** The bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Buffer;
}

const BLOCK = 16;
const STEP = 1024 * 1024;

export function fixedContent(bytes: string | Buffer): Content {
  const all = Buffer.from(bytes as string);
  const digest = `sha256:${createHash("sha256").update(all).digest("hex")}`;
  return { size: all.length, digest, read: (start, end) => all.subarray(start, end) };
}

/** `head`, then noise up to `size`; the same seed gives the same bytes everywhere. */
export function noiseContent(seed: string, head: Buffer, size: number): Content {
  const key = createHash("sha256").update(seed).digest().subarray(0, BLOCK);
  const total = Math.max(size, head.length);
  const read = (start: number, end: number): Buffer => {
    const stop = Math.min(end, total);
    const bytes = noise(key, start, stop);
    if (start < head.length) head.copy(bytes, 0, start, Math.min(stop, head.length));
    return bytes;
  };
  const hash = createHash("sha256");
  for (let at = 0; at < total; at += STEP) hash.update(read(at, at + STEP));
  return { size: total, digest: `sha256:${hash.digest("hex")}`, read };
}

/** A cipher in counter mode can begin at any block, which is what a range needs. */
function noise(key: Buffer, start: number, end: number): Buffer {
  const counter = Buffer.alloc(BLOCK);
  counter.writeBigUInt64BE(BigInt(Math.floor(start / BLOCK)), 8);
  const skip = start % BLOCK;
  const bytes = createCipheriv("aes-128-ctr", key, counter).update(Buffer.alloc(Math.max(0, end - start) + skip));
  return bytes.subarray(skip);
}
