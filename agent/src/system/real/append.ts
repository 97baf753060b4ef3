import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { makeParents } from "./write-atomic.ts";

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

export async function append(path: string, chunks: AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  await makeParents(path);
  const file = await open(path, APPEND, mode);
  try {
    for await (const chunk of chunks) await file.writeFile(chunk);
  } finally {
    await file.sync().finally(() => file.close());
  }
}
