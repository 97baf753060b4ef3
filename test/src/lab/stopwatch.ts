/** Runs a piece of work and gives its result with the seconds it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - start) / 1000 };
}

export function seconds(value: number): string {
  return `${value.toFixed(1).padStart(6)} s`;
}

/** Runs a piece of work and says on a line what it was and how long it took. */
export async function timedLine<T>(what: string, work: () => Promise<T>): Promise<T> {
  const { value, seconds: took } = await timed(work);
  process.stdout.write(`${seconds(took)}  ${what}\n`);
  return value;
}
