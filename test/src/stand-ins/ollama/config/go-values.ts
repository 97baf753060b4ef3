/** How Ollama (a Go program) reads and prints values of its environment. Durations here are milliseconds. */

/** What Go shows for its longest duration, which Ollama uses for "for ever". */
const FOREVER_TEXT = "2562047h47m16.854775807s";

const UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/** The value of a variable: spaces outside, then quotes, go. */
export function clean(value: string | undefined): string {
  return (value ?? "").trim().replace(/^["']+|["']+$/g, "");
}

/** `1h2m3s`, `-1m`, `0`; undefined when Go would not take it. */
export function parseDuration(text: string): number | undefined {
  const unsigned = text.replace(/^[+-]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (unsigned === "0") return 0;
  let total = 0;
  let end = 0;
  for (const match of unsigned.matchAll(PART)) {
    if (match.index !== end) return undefined;
    total += Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0);
    end = match.index + match[0].length;
  }
  return end === 0 || end !== unsigned.length ? undefined : sign * total;
}

/** A duration or a count of seconds, as OLLAMA_KEEP_ALIVE and OLLAMA_LOAD_TIMEOUT take it. */
export function durationOrSeconds(value: string): number | undefined {
  return parseDuration(value) ?? (/^[+-]?\d+$/.test(value) ? Number(value) * 1000 : undefined);
}

export function formatDuration(ms: number): string {
  if (ms === Infinity) return FOREVER_TEXT;
  if (ms === 0) return "0s";
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1) return ms < 1e-3 ? `${round(ms * 1e6, 0)}ns` : `${round(ms * 1e3, 3)}µs`;
  if (ms < 1000) return `${round(ms, 6)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = `${round((ms % 60_000) / 1000, 9)}s`;
  return hours > 0 ? `${hours}h${minutes}m${seconds}` : minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** Anything that is set and is no known "false" is true. */
export function parseBool(value: string): boolean {
  return value !== "" && !["0", "f", "F", "false", "False", "FALSE"].includes(value);
}

export function parseUint(value: string): number | undefined {
  return /^\d+$/.test(value) ? Number(value) : undefined;
}

const round = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
