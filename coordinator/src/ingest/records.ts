import type { Records } from "@fettle/shared/protocol/records.ts";
import type { AuditRecord, RunRecord } from "@fettle/shared/protocol/run-record.ts";
import type { Peer } from "../hub/peer.ts";
import type { EventRow } from "../store/events.ts";
import type { RunRow } from "../store/runs.ts";
import type { Queries } from "../store/store.ts";
import type { NewEvent } from "./event-feed.ts";
import type { TakerParts } from "./parts.ts";
import { makeRoom, NODE_AUDIT_BYTES } from "./quota.ts";

/** Stores runs and audit under their ids; when this resolves they are on disk and may be acknowledged. */
export async function takeRecords(parts: TakerParts, peer: Peer, records: Records): Promise<void> {
  const rows = await parts.store.write((queries) => storeRecords(parts, queries, peer, records));
  parts.events.publish(rows);
  if (rows.length > 0) parts.touch(peer.node);
}

async function storeRecords(
  parts: TakerParts,
  queries: Queries,
  peer: Peer,
  { runs, audit }: Records,
): Promise<EventRow[]> {
  const at = parts.clock.now();
  const rows = runs.map((run) => runRow(peer, run, at));
  await makeRoom(
    queries,
    peer.node,
    rows.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const ended: NewEvent[] = [];
  for (const row of rows) {
    const changed = await queries.runs.put(row);
    if (changed && row.phase === "done") ended.push(endEvent(row));
  }
  for (const entry of audit) await storeAudit(queries, peer, entry, at);
  return await parts.events.append(queries, ended.slice(0, parts.allowance.take(peer.node, ended.length)));
}

function runRow({ node, stack }: Peer, { changes, ...run }: RunRecord, receivedAt: number): RunRow {
  const text = JSON.stringify(changes);
  return { ...run, node, stack, changes: text, receivedAt, bytes: 300 + text.length + (run.reason?.length ?? 0) };
}

function endEvent({ stack, node, id, resource, outcome, code, reason, startedAt, endedAt, cause }: RunRow): NewEvent {
  const seconds = ((endedAt ?? startedAt) - startedAt) / 1000;
  const why = reason === null ? "" : `: ${reason}`;
  return {
    stack,
    node,
    resource,
    kind: "run.ended",
    severity: outcome === "failed" ? "warning" : "info",
    ...(code === null ? {} : { code }),
    text: `run of ${resource} ${outcome ?? "ended"} after ${seconds.toFixed(1)} s${why}`,
    data: { run: id, outcome, cause },
  };
}

async function storeAudit(queries: Queries, { node, stack }: Peer, entry: AuditRecord, now: number): Promise<void> {
  const bytes = 100 + entry.who.length + entry.what.length;
  if ((await queries.audit.bytesOfNode(node)) + bytes > NODE_AUDIT_BYTES) return;
  await queries.audit.add({ ...entry, node, stack, receivedAt: now, bytes });
}
