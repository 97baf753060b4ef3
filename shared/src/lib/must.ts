/** Returns `value`, or throws when it is absent. For what the code itself guarantees, never for input. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`impossible: ${what} is absent`);
  return value;
}

/** Makes a switch exhaustive: the compiler refuses a call that a case can reach. */
export function unreachable(value: never): never {
  throw new Error(`impossible: ${JSON.stringify(value)}`);
}
