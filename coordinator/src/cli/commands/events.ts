import { type EventView, eventStreamRoute, eventsRoute } from "@fettle/shared/api/events.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Declare } from "../command.ts";
import { eventLine } from "../render/event.ts";
import type { Session } from "../session.ts";
import { parseWhere } from "../where.ts";

interface Options {
  readonly watch?: true;
  readonly node?: string;
  readonly after?: string;
  readonly limit: string;
}

export const events: Declare = (program, act) => {
  program
    .command("events")
    .description("What happened; with --watch also what happens")
    .option("--watch", "stay, and print each event as it happens")
    .option("--node <node>", "of this node, or of NODE/ID")
    .option("--after <id>", "only after this event's id")
    .option("--limit <n>", "so many of the past", "20")
    .action(act(run));
};

async function run(session: Session, { watch, node, after, limit }: Options): Promise<number> {
  const filter = { ...session.query, ...(node === undefined ? {} : parseWhere(node)) };
  const past = await session.api.call(eventsRoute, { query: { ...filter, after, limit } });
  for (const event of past.events) show(session, event);
  if (watch) await follow(session, filter, past.events.at(-1)?.id ?? after ?? "");
  return 0;
}

function show({ out }: Session, event: EventView): void {
  if (out.isJson) out.json("event", event);
  else out.lines([eventLine(event, out)]);
}

const AGAIN_MS = 2000;

/** A stream that is cut goes on after the last event that was shown. */
async function follow(session: Session, filter: object, from: string): Promise<void> {
  let after = from;
  while (!session.signal.aborted) {
    try {
      for await (const event of session.api.stream(eventStreamRoute, { query: { ...filter, after } })) {
        show(session, event);
        after = event.id;
      }
    } catch (error) {
      if (session.signal.aborted) return;
      if (!(error instanceof FettleError) && !isCut(error)) throw error;
      session.out.note("the connection is lost; trying again");
    }
    await session.clock.sleep(AGAIN_MS, session.signal).catch(() => undefined);
  }
}

function isCut(error: unknown): boolean {
  return ["ECONNRESET", "ABORT_ERR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
