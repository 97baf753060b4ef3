import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { mirrorBlobRoute, mirrorUploadRoute } from "@fettle/shared/api/mirror.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { sumOf } from "../sum-of.ts";
import { size as sizeText } from "./render/text.ts";
import type { Session } from "./session.ts";

export interface FileToSend {
  /** As a person knows it. */
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  chunks(): AsyncIterable<Uint8Array>;
}

const CHUNK_BYTES = 1024 * 1024;

/** A file on this machine, read once for its sum. Throws `cli.file-unreadable`. */
export async function fileToSend(session: Session, path: string): Promise<FileToSend> {
  try {
    const { size } = await stat(path);
    const open = () => createReadStream(path, { highWaterMark: CHUNK_BYTES });
    const { sha256 } = await sumOf(counted(session, `reading ${path}`, size, open()));
    return { name: path, sha256, size, chunks: open };
  } catch (error) {
    if (session.signal.aborted) throw error;
    throw new FettleError("cli.file-unreadable", { file: path, problem: messageOf(error) }, { cause: error });
  }
}

/** Sends it to the coordinator, unless it is there: then false. */
export async function sendFile(session: Session, file: FileToSend): Promise<boolean> {
  const { api } = session;
  const params = { sha256: file.sha256 };
  if ((await api.call(mirrorBlobRoute, { params })).present) return false;
  const chunks = counted(session, `sending ${file.name}`, file.size, whole(file));
  await api.upload(mirrorUploadRoute, { params, query: { size: file.size } }, { size: file.size, chunks });
  return true;
}

/** All that was announced: the coordinator would wait for the rest. */
async function* whole({ name, size, chunks }: FileToSend): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of chunks()) {
    yield chunk;
    sent += chunk.length;
  }
  const problem = `it ended after ${sent} of ${size} bytes`;
  if (sent < size) throw new FettleError("cli.file-unreadable", { file: name, problem });
}

const EVERY_MS = 500;

/** Passes on what comes and shows how far it is. */
async function* counted(
  { out, clock }: Session,
  what: string,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const startedAt = clock.now();
  let done = 0;
  let saidAt = 0;
  try {
    for await (const chunk of chunks) {
      yield chunk;
      done += chunk.length;
      const now = clock.now();
      if (now - saidAt < EVERY_MS) continue;
      saidAt = now;
      const rate = Math.round((done * 1000) / Math.max(1, now - startedAt));
      out.passing(`${what}: ${sizeText(done)} of ${sizeText(size)}, ${sizeText(rate)}/s`);
    }
  } finally {
    out.passing("");
  }
}
