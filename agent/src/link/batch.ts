import type { Records } from "@fettle/shared/protocol/records.ts";
import { auditRecord, runRecord } from "@fettle/shared/protocol/run-record.ts";
import type * as z from "zod";
import { sizeOf } from "./fit-report.ts";
import type { LinkParts } from "./parts.ts";
import { cutRun } from "./sound.ts";

const BATCH = 100;
/** Leaves room for the envelope in a frame of 1 MiB. */
const MAX_BATCH_BYTES = 900 * 1024;

interface Record {
  readonly id: string;
}

/**
 * The next records to send: the oldest that are not acknowledged, as many as a frame holds, at least one. null when
 * nothing is owed. What no coordinator can take is given up, with a word to `onBad`: it would hold up all behind it.
 */
export function nextBatch(store: LinkParts["store"], onBad: (problem: string) => void): Records | null {
  const giveUp = (table: { acknowledge(ids: readonly string[]): void }) => (id: string, problem: string) => {
    onBad(problem);
    table.acknowledge([id]);
  };
  const runs = fitting(sound(runRecord, store.runs.owed(BATCH).map(cutRun), giveUp(store.runs)));
  if (runs.length > 0) return { runs, audit: [] };
  const audit = fitting(sound(auditRecord, store.audit.owed(BATCH), giveUp(store.audit)));
  return audit.length === 0 ? null : { runs, audit };
}

function sound<T extends Record>(
  schema: z.ZodType<T>,
  items: readonly T[],
  giveUp: (id: string, problem: string) => void,
): T[] {
  return items.filter((item) => {
    const parsed = schema.safeParse(item);
    if (!parsed.success) giveUp(item.id, `${item.id}: ${parsed.error.issues[0]?.message ?? "invalid"}`);
    return parsed.success;
  });
}

/** The first items that fit together; a first one that is too large by itself goes alone and without its changes. */
function fitting<T extends Record>(items: readonly T[]): T[] {
  let bytes = 0;
  const taken: T[] = [];
  for (const item of items) {
    bytes += sizeOf(item) + 1;
    if (bytes > MAX_BATCH_BYTES) break;
    taken.push(item);
  }
  const first = items[0];
  if (taken.length > 0 || first === undefined) return taken;
  return ["changes" in first ? { ...first, changes: [] } : first];
}
