import type { Clock } from "../clock.ts";

export const realClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  random: () => Math.random(),
  sleep,
};

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(done, Math.min(ms, LONGEST));
    function done(): void {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** A longer timer than this fires at once. */
const LONGEST = 2 ** 31 - 1;
