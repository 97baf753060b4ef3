import type { FastifyInstance } from "fastify";

const UPLOAD = "application/octet-stream";
/** A body that rests for so long is given up. */
const SILENCE_MS = 60_000;
/** How long the body of any other request may take. */
const BODY_MS = 30_000;

interface Body extends AsyncIterable<Uint8Array> {
  readonly readableEnded: boolean;
}

/**
 * Takes bodies of files as they come, without end and without limit, and gives every other one its time: Node's own
 * limit for a request counts the whole body, and a large file takes longer than any.
 */
export function takeUploads(app: FastifyInstance): void {
  app.addContentTypeParser(UPLOAD, (_request, payload, done) => done(null, payload));
  app.addHook("onRequest", async ({ raw, headers }) => {
    const giveUp = (): void => void (raw.complete || raw.destroy());
    if (headers["content-type"] === UPLOAD) return void raw.setTimeout(SILENCE_MS, giveUp);
    const late = setTimeout(giveUp, BODY_MS);
    raw.once("close", () => clearTimeout(late));
  });
}

export function isByteStream(body: unknown): body is Body {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
