import type { Log } from "@fettle/shared/protocol/log.ts";
import type { Peer } from "../hub/peer.ts";
import type { Queries } from "../store/store.ts";
import type { TakerParts } from "./parts.ts";
import { makeRoom } from "./quota.ts";

/** As in the agent's journal. What is above it is acknowledged and dropped, or it would come for ever. */
export const RUN_LOG_BYTES = 4 * 1024 * 1024;

/** Stores a piece of a run's output; when this resolves it may be acknowledged. */
export async function takeLog({ store, clock }: TakerParts, { node, stack }: Peer, log: Log): Promise<void> {
  const { runId, seq, data } = log;
  const bytes = Buffer.byteLength(data);
  const at = Math.min(log.at, clock.now());
  await store.write(async (queries) => {
    const owner = (await ownerOf(queries, runId)) ?? node;
    if (owner !== node) return;
    if ((await queries.logs.bytesOfRun(runId)) + bytes > RUN_LOG_BYTES) return;
    await makeRoom(queries, node, bytes);
    await queries.logs.add({ runId, seq, stack, node, at, data, bytes });
  });
}

/** The node that has the run, or began its log when the run's record has not come yet. */
async function ownerOf({ runs, logs }: Queries, runId: string): Promise<string | undefined> {
  return (await runs.get(runId))?.node ?? (await logs.nodeOf(runId));
}
