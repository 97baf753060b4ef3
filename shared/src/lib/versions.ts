/** Below 0 when `a` is older than `b`: by number, and a candidate (`-rc1`) before its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < 4; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): number[] {
  const [numbers = "", candidate] = version.split("-");
  const parts = numbers.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const rank = candidate === undefined ? Number.POSITIVE_INFINITY : Number(/\d+/.exec(candidate)?.[0] ?? 0);
  return [...parts, 0, 0].slice(0, 3).concat(Math.min(rank, Number.MAX_SAFE_INTEGER));
}
