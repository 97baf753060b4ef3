import type { MetricMeanRow } from "./metric-means.ts";
import { MEAN_MS } from "./metric-means.ts";
import type { MetricRow } from "./metrics.ts";
import type { Store } from "./store.ts";

/** Windows of one node that one step takes up at most: two hours. */
const STEP_WINDOWS = 24;

/** Stores the means of every 5 minutes that are over and have none yet; a bounded step per node. */
export async function meansStep(store: Store, now: number): Promise<void> {
  const nodes = await store.db.selectFrom("metrics").select("node").distinct().execute();
  for (const { node } of nodes) await meansOfNode(store, node, now);
}

async function meansOfNode(store: Store, node: string, now: number): Promise<void> {
  const last = await store.metricMeans.lastAt(node);
  const after = last === null ? 0 : last + MEAN_MS;
  const first = await store.metrics.firstSince(node, after);
  if (first === undefined) return;
  const from = first.at - (first.at % MEAN_MS);
  const to = Math.min(now - (now % MEAN_MS), from + STEP_WINDOWS * MEAN_MS);
  const windows = Map.groupBy(await store.metrics.range(node, from, to), ({ at }) => at - (at % MEAN_MS));
  for (const [at, samples] of windows) await store.metricMeans.put(meanOf(node, at, samples));
}

/** The mean of each name over the samples that have it. */
function meanOf(node: string, at: number, samples: readonly MetricRow[]): MetricMeanRow {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { values } of samples) {
    for (const [name, value] of Object.entries<number>(JSON.parse(values))) {
      const { sum, count } = sums.get(name) ?? { sum: 0, count: 0 };
      sums.set(name, { sum: sum + value, count: count + 1 });
    }
  }
  const means = [...sums].map(([name, { sum, count }]) => [name, sum / count] as const);
  const stack = samples[0]?.stack ?? "";
  return { node, at, stack, values: JSON.stringify(Object.fromEntries(means)), samples: samples.length };
}
