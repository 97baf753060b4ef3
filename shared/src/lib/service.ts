/** A long-lived thing. `run` returns when the signal fires and everything it started has ended. */
export interface Service {
  readonly id: string;
  run(signal: AbortSignal): Promise<void>;
}
