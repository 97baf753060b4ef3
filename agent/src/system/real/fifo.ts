import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import { addAbortSignal } from "node:stream";
import { realExec } from "./exec.ts";
import { systemError } from "./system-error.ts";

/** Node has no call for it; every Linux has the program. */
export async function makeFifo(path: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  const made = await realExec.run(["mkfifo", "-m", mode.toString(8), path], { timeoutMs: 5_000 });
  if (made.code !== 0) throw systemError("EIO", `mkfifo ${path}: ${made.stderr.trim() || "no answer"}`);
}

/**
 * Opened without waiting for a writer, which would hold a thread that no signal can free; the event loop then waits
 * for the first writer and sees its end.
 */
export async function readFifo(path: string, maxBytes: number, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const socket = addAbortSignal(signal, new Socket({ fd: openFifo(path), readable: true, writable: false }));
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of socket) {
      size += chunk.length;
      if (size > maxBytes) throw systemError("EFBIG", `more than ${maxBytes} bytes came from ${path}`);
      chunks.push(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    socket.destroy();
  }
  return Buffer.concat(chunks).toString("utf8");
}

function openFifo(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw systemError("EINVAL", `${path} is no fifo`);
}
