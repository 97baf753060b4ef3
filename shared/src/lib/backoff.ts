export interface BackoffOptions {
  readonly firstMs: number;
  readonly capMs: number;
}

/**
 * The delay before try number `failures` + 1, in ms: doubling from `firstMs` to `capMs`, then full jitter (0 to that),
 * so that the jitter comes after the cap and many waiters spread out.
 */
export function backoffMs(failures: number, random: () => number, { firstMs, capMs }: BackoffOptions): number {
  const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceiling * random());
}
