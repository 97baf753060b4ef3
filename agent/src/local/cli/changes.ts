import { printable } from "@fettle/shared/lib/printable.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";

/** `  OLLAMA_HOST: 127.0.0.1 -> 172.31.11.27`, a line each. */
export function changeLines(changes: readonly Change[], indent = "  "): string {
  return changes.map(({ what, from, to }) => `${indent}${printable(what)}: ${said(from)} -> ${said(to)}\n`).join("");
}

function said(value: string | null): string {
  return value === null ? "absent" : printable(value);
}
