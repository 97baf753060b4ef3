import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { systemError, unless } from "./system-error.ts";

const DEFAULT_MAX_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** A fifo in a file's place must not hold up the open until somebody writes to it. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** Reads to the end instead of asking for the size: files in /proc say 0. */
export async function readText(path: string, maxBytes: number = DEFAULT_MAX_BYTES): Promise<string | null> {
  const file = await unless(["ENOENT", "ENOTDIR"], () => open(path, READ));
  if (file === null) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, maxBytes + 1 - size));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return Buffer.concat(chunks).toString("utf8");
      size += bytesRead;
      if (size > maxBytes) throw systemError("EFBIG", `${path} is larger than ${maxBytes} bytes`);
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
