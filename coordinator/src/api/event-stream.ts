import { eventStreamRoute } from "@fettle/shared/api/events.ts";
import type { Query } from "@fettle/shared/api/route.ts";
import type { Context } from "../context.ts";
import { eventView } from "./events.ts";
import { streams } from "./handler.ts";
import type { EventRow } from "./types.ts";
import { whichStack } from "./which-stack.ts";

const BEAT_MS = 15_000;
/** A reader that lets this much wait is too slow and starts again from its last id. */
const MAX_WAITING_BYTES = 1024 * 1024;
const CATCH_UP = 1000;

/** Server-sent events; the id is the cursor, so a reader that was cut goes on where it was. */
export const eventStream = streams(eventStreamRoute, async ({ context, principal, query, request, reply }) => {
  const stack = await whichStack(context, principal, query.stack);
  const resumed = request.headers["last-event-id"];
  const after = query.after ?? (typeof resumed === "string" ? resumed : undefined);
  const { raw } = reply.hijack();
  raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
  raw.write(": connected\n\n");
  const feed = new Feed(
    after ?? "",
    (row) => matches(row, stack, query),
    (text) => send(raw, text),
  );
  const unsubscribe = context.events.subscribe((row) => feed.live(row));
  const beat = setInterval(() => send(raw, ": beat\n\n"), BEAT_MS);
  raw.on("close", () => {
    clearInterval(beat);
    unsubscribe();
  });
  if (after !== undefined) await catchUp(context, feed, stack, after);
  feed.open();
});

type Raw = { write(text: string): boolean; destroy(): unknown; readonly writableLength: number };

function send(raw: Raw, text: string): void {
  if (raw.writableLength > MAX_WAITING_BYTES) raw.destroy();
  else raw.write(text);
}

function matches(row: EventRow, stack: string, { node, resource }: Query<typeof eventStreamRoute>): boolean {
  return row.stack === stack && (node ?? row.node) === row.node && (resource ?? row.resource) === row.resource;
}

/** Keeps the order while the past is read: what happens meanwhile waits, and nothing is said twice. */
class Feed {
  #last: string;
  #waiting: EventRow[] | null = [];
  readonly #wanted: (row: EventRow) => boolean;
  readonly #write: (text: string) => void;

  constructor(last: string, wanted: (row: EventRow) => boolean, write: (text: string) => void) {
    this.#last = last;
    this.#wanted = wanted;
    this.#write = write;
  }

  live(row: EventRow): void {
    if (this.#waiting === null) this.past(row);
    else this.#waiting.push(row);
  }

  past(row: EventRow): void {
    if (row.id <= this.#last) return;
    this.#last = row.id;
    if (this.#wanted(row)) this.#write(`id: ${row.id}\ndata: ${JSON.stringify(eventView(row))}\n\n`);
  }

  open(): void {
    const waited = this.#waiting ?? [];
    this.#waiting = null;
    for (const row of waited) this.past(row);
  }
}

async function catchUp({ store }: Context, feed: Feed, stack: string, from: string): Promise<void> {
  let after = from;
  for (;;) {
    const rows = await store.events.list({ stack, after, limit: CATCH_UP });
    for (const row of rows) feed.past(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < CATCH_UP) return;
    after = last.id;
  }
}
