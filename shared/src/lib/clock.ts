/** Time and chance, handed in so that tests decide both. */
export interface Clock {
  /** Wall clock, ms since 1970. For what people read and what is stored; never for intervals. */
  now(): number;
  /** Monotonic clock in ms. For every interval within one process. */
  mono(): number;
  /** Rejects with the signal's reason when it fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 to below 1. */
  random(): number;
}
