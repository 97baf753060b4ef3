const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Ms of a Go duration (`5m`, `1h30m`) or of plain seconds, as Ollama reads its environment; null for anything else. */
export function durationMs(text: string): number | null {
  if (/^-?\d+$/.test(text)) return Number(text) * 1_000;
  if (!/^-?(\d+(\.\d+)?(ms|[smh]))+$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smh])/g)];
  const sum = parts.reduce((ms, [, number, unit]) => ms + Number(number) * (UNITS[unit ?? ""] ?? 0), 0);
  return text.startsWith("-") ? -sum : sum;
}
