const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PART = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)/;
export const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;

/** Milliseconds of `90s`, `10m`, `1h30m`; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let rest = text;
  let total = 0;
  for (let part = PART.exec(rest); part !== null; part = PART.exec(rest)) {
    total += Number(part[1]) * UNITS[part[2] as keyof typeof UNITS];
    rest = rest.slice(part[0].length);
  }
  return Math.round(total);
}

/** `10m`, `1h30m`, `45s`: the shortest text that parseDuration reads back, to the second above a second. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  let rest = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.slice(0, 2).join("");
}
