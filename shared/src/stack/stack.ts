import { checks } from "./checks/checks.ts";
import { readYaml } from "./document.ts";
import { valueAt } from "./found.ts";
import { faultsOf } from "./issues.ts";
import type { Fault, Path, Problem } from "./problem.ts";
import { inWholeFile, type Pruned, prune } from "./prune.ts";
import { type StackFile, type StackSpec, stackFile } from "./sections/spec.ts";

export type { Problem } from "./problem.ts";
export type { StackSpec } from "./sections/spec.ts";

export type ParsedStack =
  | { readonly ok: true; readonly spec: StackSpec }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * The stack that a file declares, normalised; or everything that is wrong with it, in the order of the text. Pure;
 * never throws. Cross-checks run on what parses even when something else does not.
 */
export function parseStack(text: string): ParsedStack {
  const yaml = readYaml(text);
  if ("problems" in yaml) return { ok: false, problems: yaml.problems };
  if (yaml.raw === null || yaml.raw === undefined) return { ok: false, problems: [yaml.place(NOTHING)] };
  const parsed = stackFile.safeParse(yaml.raw);
  const faults = parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, yaml.raw));
  const rest = parsed.success ? { value: parsed.data, removed: [] } : prune(stackFile, yaml.raw);
  if (rest !== null) faults.push(...crossFaults(rest, yaml.raw));
  if (parsed.success && faults.length === 0) return { ok: true, spec: normalised(parsed.data) };
  return { ok: false, problems: faults.map(yaml.place).sort(byPlace) };
}

const NOTHING: Fault = { code: "stack.empty", path: [], at: "value", found: "nothing", allowed: "a stack" };

function crossFaults(rest: Pruned<StackFile>, raw: unknown): Fault[] {
  const written = (path: Path) => valueAt(raw, path);
  const keys = (path: Path) => Object.keys((written(path) ?? {}) as object);
  return checks
    .flatMap((check) => check({ spec: rest.value.spec, keys, written }))
    .map((fault) => ({ ...fault, path: inWholeFile(fault.path, rest.removed) }));
}

function normalised(file: StackFile): StackSpec {
  return { name: file.metadata.name, ...file.spec };
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}
