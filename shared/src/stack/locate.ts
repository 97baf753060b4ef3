import { isMap, isPair, isScalar, isSeq, type LineCounter, type Node, type ParsedNode } from "yaml";
import type { Path } from "./problem.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * Where a path is in the text. For a path that is not there (a missing key) the nearest map that should hold it;
 * `key` points at the key of the last part instead of its value.
 */
export function locate(root: Node | null, lines: LineCounter, path: Path, at: "key" | "value"): Place {
  let node: unknown = root;
  let offset = offsetOf(root);
  for (const [index, part] of path.entries()) {
    const step = descend(node, part);
    if (step === null) break;
    const last = index === path.length - 1;
    offset =
      last && at === "value" ? (offsetOf(step.value) ?? offsetOf(step.key) ?? offset) : (offsetOf(step.key) ?? offset);
    node = step.value;
  }
  const place = lines.linePos(offset ?? 0);
  return { line: Math.max(1, place.line), column: Math.max(1, place.col) };
}

function descend(node: unknown, part: string | number): { key: unknown; value: unknown } | null {
  if (isSeq(node) && typeof part === "number") {
    const item = node.items[part];
    return item === undefined ? null : { key: item, value: item };
  }
  if (!isMap(node)) return null;
  const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(part));
  return pair === undefined ? null : { key: pair.key, value: pair.value };
}

export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function offsetOf(node: unknown): number | null {
  return (node as ParsedNode | null)?.range?.[0] ?? null;
}
