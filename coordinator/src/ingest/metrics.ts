import type { Metrics } from "@fettle/shared/protocol/metrics.ts";
import type { Peer } from "../hub/peer.ts";
import type { IngestParts } from "./parts.ts";

const MAX_VALUES = 500;

/** Stores a sample under this coordinator's own time, so that no agent's clock puts it beyond retention. */
export async function takeMetrics(
  { store, clock }: IngestParts,
  { node, stack }: Peer,
  { values }: Metrics,
): Promise<void> {
  const kept = Object.entries(values).slice(0, MAX_VALUES);
  await store.metrics.add({ node, stack, at: clock.now(), values: JSON.stringify(Object.fromEntries(kept)) });
}
