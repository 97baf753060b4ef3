import type { Report } from "@fettle/shared/protocol/report.ts";
import type { Peer } from "../hub/peer.ts";
import type { EventRow } from "../store/events.ts";
import type { Queries } from "../store/store.ts";
import type { NewEvent } from "./event-feed.ts";
import type { TakerParts } from "./parts.ts";
import { transitions } from "./transitions.ts";

/** Stores a node's whole report with what changed in it, then wakes the reconciler. */
export async function takeReport(parts: TakerParts, peer: Peer, report: Report): Promise<void> {
  const rows = await parts.store.write((queries) => storeReport(parts, queries, peer, report));
  parts.events.publish(rows);
  parts.touch(peer.node);
}

async function storeReport(
  parts: TakerParts,
  queries: Queries,
  { node, stack }: Peer,
  report: Report,
): Promise<EventRow[]> {
  // Removed since its connection was let in: there is nothing left to report for.
  if ((await queries.nodes.get(node))?.stack !== stack) return [];
  const at = parts.clock.now();
  const kept = await queries.reports.get(node);
  await queries.reports.put({ node, stack, body: JSON.stringify(report), receivedAt: at });
  await queries.facts.merge(node, stack, report.facts, at);
  const update = report.agent?.update;
  if (update?.state === "rolled-back") await queries.updates.takeBack({ ...update, stack }, at);
  const before: Report | null = kept === undefined ? null : JSON.parse(kept.body);
  return await parts.events.append(
    queries,
    allowed(parts, { node, stack }, transitions({ node, stack }, before, report)),
  );
}

/** As many of the events as this node may still raise, and one that says if there were more. */
function allowed({ allowance }: TakerParts, peer: Peer, events: readonly NewEvent[]): readonly NewEvent[] {
  const granted = allowance.take(peer.node, events.length);
  if (granted === events.length) return events;
  if (granted === 0) return [];
  const text = "this node raises more events than are kept; the rest of this minute is left out";
  return [...events.slice(0, granted), { ...peer, kind: "node.noisy", severity: "warning", text }];
}
