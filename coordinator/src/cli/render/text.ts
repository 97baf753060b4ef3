import { formatDuration } from "@fettle/shared/lib/duration.ts";

/** Cuts to a width; what is cut ends in a mark. */
export function cut(text: string, width: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** Rows as columns of their own widths; the last is cut to what is left. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? "").length)));
  return all.map((row) => {
    const start = row
      .slice(0, -1)
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ");
    const room = columns - start.length - 2;
    return `${start}  ${cut(row.at(-1) ?? "", Math.max(20, room))}`.trimEnd();
  });
}

/** How long ago, as in `5m`; a clock that is ahead shows 0. */
export function ago(at: number | null, now: number): string {
  return at === null ? "" : formatDuration(Math.max(1000, now - at));
}

export function time(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

const SIZES = ["B", "kB", "MB", "GB", "TB"] as const;

/** `4.1 GB`; powers of 1000, as registries say them. */
export function size(bytes: number): string {
  const step = Math.min(SIZES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${SIZES[step]}`;
}
