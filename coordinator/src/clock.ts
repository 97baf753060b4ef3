import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@fettle/shared/lib/clock.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted();
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
  random: () => Math.random(),
};
