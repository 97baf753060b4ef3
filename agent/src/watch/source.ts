import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import type { Clock } from "../system/clock.ts";

/** Where events come from beside files and units: a stream of the Docker Engine, say. */
export interface Source {
  readonly id: string;
  /** Calls back for each event; resolves or rejects when the stream ends, for whatever reason. */
  run(onEvent: () => void, signal: AbortSignal): Promise<void>;
}

const RETRY = { firstMs: 1_000, capMs: 30_000 };
/** A stream that stood this long was a good one: its end is no reason to wait longer for the next. */
const STABLE_MS = 60_000;

/** Keeps a source running until the signal fires. What happened between two streams counts as an event. */
export async function keepSource(
  source: Source,
  onEvent: () => void,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const begun = clock.mono();
    // How a stream ended changes nothing here: what it was to tell about is looked at anyway.
    await source.run(onEvent, signal).catch(() => undefined);
    if (signal.aborted) return;
    onEvent();
    failures = clock.mono() - begun >= STABLE_MS ? 1 : failures + 1;
    await clock
      .sleep(
        backoffMs(failures, () => clock.random(), RETRY),
        signal,
      )
      .catch(() => undefined);
  }
}
