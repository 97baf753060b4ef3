import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";

/** The promise's value, or `link.timeout` naming `what` after `ms`, or the signal's reason. */
export async function within<T>(
  clock: Clock,
  ms: number,
  what: string,
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([timer.signal, signal])).then(() => {
    throw new FettleError("link.timeout", { what });
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
    promise.catch(() => {});
  }
}
