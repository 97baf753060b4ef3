import { existsSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Exchange, sendFile, sendText } from "./exchange.ts";

/**
 * Release files out of a folder `<version>/<file>`: `/releases/<version>/<file>`, and in the form of the vendor's own
 * downloads `/releases/download/v<version>/<file>`.
 */
export async function answerReleases(exchange: Exchange, folder: string | undefined): Promise<boolean> {
  const match = /^\/releases\/(?:download\/v|v)?([\w.-]+)\/([\w.-]+)$/.exec(exchange.url.pathname);
  if (match === null) return false;
  const path = join(folder ?? "", match[1] ?? "", match[2] ?? "");
  const there = folder !== undefined && !path.includes("..") && existsSync(path);
  if (!there) {
    sendText(exchange, 404, "Not Found");
    return true;
  }
  const file = await open(path);
  try {
    const read = async (start: number, end: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      return buffer.subarray(0, bytesRead);
    };
    await sendFile(exchange, { size: statSync(path).size, read });
  } finally {
    await file.close();
  }
  return true;
}
