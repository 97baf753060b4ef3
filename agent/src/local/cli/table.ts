import { printable } from "@fettle/shared/lib/printable.ts";

/** Columns as wide as their widest cell, two spaces apart; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell).replaceAll(/[\n\t]/g, " ")));
  const count = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2))).join("");
  return cells.map((row) => `${line(row).trimEnd()}\n`).join("");
}
