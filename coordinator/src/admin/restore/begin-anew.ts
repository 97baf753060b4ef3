import { randomUUID } from "node:crypto";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { VERSION } from "@fettle/shared/lib/version.ts";
import { EventFeed } from "../../ingest/event-feed.ts";
import { openStore, type Queries, type Store } from "../../store/store.ts";
import type { Manifest } from "../backup/manifest.ts";
import { type Observing, observeAll } from "./observe-all.ts";
import { record } from "./record.ts";

export interface Anew {
  readonly epoch: number;
  readonly incarnation: string;
  readonly stacks: readonly Observing[];
  readonly nodes: readonly string[];
  /** Enrolment tokens that are worth nothing any more. */
  readonly cancelledTokens: number;
}

/**
 * Brings the backup's database to this version and makes it a new coordinator of the same stacks: a higher epoch, every
 * stack only observed, and nothing in it that was asked for once and may have been done since. Throws `backup.newer`.
 */
export async function beginAnew(
  file: string,
  database: string,
  { madeAt, version }: Manifest,
  epoch: number,
  clock: Clock,
): Promise<Anew> {
  const store = await open(database, { file, version, own: VERSION });
  try {
    const incarnation = randomUUID();
    const events = await EventFeed.open(store, clock);
    return await store.write(async (queries) => {
      await queries.meta.raise(epoch, incarnation);
      await queries.restores.add({ epoch, madeAt, restoredAt: clock.now() });
      const stacks = await observeAll(queries, clock.now());
      const cancelledTokens = await forgetAsked(queries, stacks, clock.now());
      await record(queries, events, stacks, { epoch, madeAt, at: clock.now() });
      const nodes = (await queries.nodes.all()).map(({ node }) => node);
      return { epoch, incarnation, stacks, nodes, cancelledTokens };
    });
  } finally {
    await store.close();
  }
}

async function open(path: string, args: { file: string; version: string; own: string }): Promise<Store> {
  return await openStore(path).catch((error: unknown) => {
    if (!(error instanceof FettleError) || error.code !== "store.newer") throw error;
    throw new FettleError("backup.newer", args, { cause: error });
  });
}

/** What a person asked for once: whoever has done it since the backup must not do it again. */
async function forgetAsked(queries: Queries, stacks: readonly Observing[], at: number): Promise<number> {
  const { approvals, retryTokens, enrolmentTokens, updates, identityCases } = queries;
  await approvals.clear();
  await retryTokens.clear();
  await identityCases.withdraw();
  for (const { stack } of stacks) {
    const update = await updates.last(stack);
    if (update !== undefined) await updates.cancel(update.token, at);
  }
  return await enrolmentTokens.cancelAll();
}
