import type { Output, Style } from "../output.ts";

const COLOURS: Readonly<Record<string, Style>> = {
  "in-sync": "green",
  ok: "green",
  connected: "green",
  repaired: "green",
  failed: "red",
  contended: "red",
  blocked: "red",
  broken: "red",
  critical: "red",
  drifted: "yellow",
  repairing: "cyan",
  waiting: "yellow",
  warning: "yellow",
  disconnected: "red",
  uninstalled: "yellow",
  paused: "blue",
};

/** A state's word in its colour, padded before it is painted. */
export function painted(out: Output, word: string, width = 0): string {
  const style = COLOURS[word];
  const text = word.padEnd(width);
  return style === undefined ? text : out.paint(style, text);
}
