import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import type { EventFeed } from "../../ingest/event-feed.ts";
import type { Queries } from "../../store/store.ts";
import type { Observing } from "./observe-all.ts";

/** Leaves in each stack's audit and events that there is a gap before this moment. */
export async function record(
  queries: Queries,
  events: EventFeed,
  stacks: readonly Observing[],
  { epoch, madeAt, at }: { epoch: number; madeAt: number; at: number },
): Promise<void> {
  const made = new Date(madeAt).toISOString();
  for (const { stack, revision } of stacks) {
    const what = `restored from the backup of ${made}: epoch ${epoch}, revision ${revision} observes`;
    await queries.audit.add({ id: uuidv7(at), stack, node: null, at, who: "restore", what, receivedAt: at });
    const text = `The coordinator was restored from the backup of ${made} (epoch ${epoch}): every node only observes until the stack is applied with mode: enforce.`;
    const data = { epoch, revision, madeAt };
    await events.append(queries, [{ stack, kind: "coordinator.restored", severity: "warning", text, data }]);
  }
}
