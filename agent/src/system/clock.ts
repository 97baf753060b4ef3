export interface Clock {
  /** Wall clock, ms since 1970. For what people read; never for intervals. */
  now(): number;
  /** Monotonic clock in ms; goes on while nobody sets the time. For every interval. */
  mono(): number;
  /** Rejects with the signal's reason when it fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 to below 1. */
  random(): number;
}
