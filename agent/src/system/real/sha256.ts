import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { unless } from "./system-error.ts";

export function sha256(path: string, signal?: AbortSignal): Promise<string | null> {
  return unless(["ENOENT", "ENOTDIR"], async () => {
    signal?.throwIfAborted();
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      signal?.throwIfAborted();
      hash.update(chunk);
    }
    return hash.digest("hex");
  });
}
