import { closeSync, openSync, readSync } from "node:fs";

/** The head of a GGUF file: key-value pairs. Arrays are skipped, integers of 64 bits become numbers. */
export type GgufInfo = Record<string, string | number | boolean>;

const HEAD_BYTES = 256 * 1024;
const STRING = 8;
const ARRAY = 9;
const WIDTH: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

/** undefined: the file is no GGUF file. */
export function readGguf(path: string): GgufInfo | undefined {
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, "r");
  try {
    const length = readSync(file, head, 0, HEAD_BYTES, 0);
    return parseGguf(head.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

export function parseGguf(bytes: Buffer): GgufInfo | undefined {
  if (bytes.length < 24 || bytes.toString("latin1", 0, 4) !== "GGUF") return undefined;
  const reader = { bytes, at: 24 };
  const info: GgufInfo = {};
  for (let left = Number(bytes.readBigUInt64LE(16)); left > 0; left--) {
    const key = text(reader);
    const value = scalar(reader, integer(reader, 4));
    if (value !== undefined) info[key] = value;
  }
  return info;
}

interface Reader {
  bytes: Buffer;
  at: number;
}

function integer(reader: Reader, width: number): number {
  const { bytes, at } = reader;
  reader.at += width;
  return width === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, width);
}

function text(reader: Reader): string {
  const length = integer(reader, 8);
  reader.at += length;
  return reader.bytes.toString("utf8", reader.at - length, reader.at);
}

function scalar(reader: Reader, type: number): string | number | boolean | undefined {
  if (type === STRING) return text(reader);
  if (type === ARRAY) return skipArray(reader);
  const { bytes, at } = reader;
  const value = integer(reader, WIDTH[type] ?? 1);
  if (type === 6) return bytes.readFloatLE(at);
  if (type === 12) return bytes.readDoubleLE(at);
  return type === 7 ? value === 1 : value;
}

function skipArray(reader: Reader): undefined {
  const type = integer(reader, 4);
  for (let left = integer(reader, 8); left > 0; left--) scalar(reader, type);
  return undefined;
}
