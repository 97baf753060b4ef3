import type * as z from "zod";
import type { Path } from "./problem.ts";

const ROUNDS = 30;

export interface Pruned<T> {
  readonly value: T;
  /** What was taken out, in order; each path counts in what was left at that moment. */
  readonly removed: readonly Path[];
}

/**
 * What is left of the file when everything its issues name is taken out, so that the cross-checks can run on the
 * rest; null when nothing that parses is left.
 */
export function prune<S extends z.ZodType>(schema: S, raw: unknown): Pruned<z.output<S>> | null {
  const copy = structuredClone(raw);
  const removed: Path[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const result = schema.safeParse(copy);
    if (result.success) return { value: result.data, removed };
    // From the last to the first, so that taking out a list's entry moves no other path of this round.
    for (const path of result.error.issues.flatMap(wrongPaths).reverse()) {
      const gone = remove(copy, path);
      if (gone.length === 0) return null;
      removed.push(gone);
    }
  }
  return null;
}

/** The same place in the whole file: counts the list entries that were taken out before it. */
export function inWholeFile(path: Path, removed: readonly Path[]): Path {
  let whole = path;
  for (const gone of [...removed].reverse()) {
    const depth = gone.length - 1;
    const index = gone[depth];
    const here = whole[depth];
    const inside = gone.slice(0, depth).every((part, i) => part === whole[i]);
    if (typeof index !== "number" || typeof here !== "number" || !inside || here < index) continue;
    whole = whole.with(depth, here + 1);
  }
  return whole;
}

function wrongPaths(issue: z.core.$ZodIssue): readonly Path[] {
  const path = issue.path as Path;
  return issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
}

/** Takes the value at `path` out, or, when there is none (a required key is missing), what should have held it. */
function remove(root: unknown, path: Path): Path {
  for (let length = path.length; length > 0; length--) {
    const parent = follow(root, path.slice(0, length - 1));
    const key = path[length - 1] ?? "";
    if (Array.isArray(parent) && typeof key === "number" && key < parent.length) {
      parent.splice(key, 1);
      return path.slice(0, length);
    }
    if (parent !== null && typeof parent === "object" && Object.hasOwn(parent, key)) {
      delete (parent as Record<string, unknown>)[String(key)];
      return path.slice(0, length);
    }
  }
  return [];
}

function follow(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) value = (value as Record<string, unknown> | null | undefined)?.[String(part)];
  return value;
}
