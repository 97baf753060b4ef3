import type * as z from "zod";
import { foundText, valueAt } from "./found.ts";
import { keysAt } from "./json-schema.ts";
import type { Fault, Path } from "./problem.ts";
import { isReserved } from "./reserved.ts";
import { suggest } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  object: "a map",
  record: "a map",
  array: "a list",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

/** What a schema's issue says, as faults of the file. `root` is the raw value that was parsed. */
export function faultsOf(issue: Issue, root: unknown, base: Path = []): readonly Fault[] {
  const path = [...base, ...(issue.path as Path)];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey([...path, key], path));
  if (issue.code === "invalid_key") return [invalidKey(path, issue.issues)];
  if (issue.code === "invalid_union" && issue.errors.length > 0) return unionFaults(issue.errors, root, path);
  return [plainFault(issue, root, path)];
}

function unknownKey(path: Path, parent: Path): Fault {
  const key = String(path.at(-1));
  const known = keysAt(parent);
  const near = suggest(key, known);
  const hint = near === null ? "" : `; did you mean ${near}?`;
  const allowed = known.join(", ") || "no keys";
  const code = isReserved(path) ? "stack.not-yet" : "stack.unknown-key";
  return { code, path, at: "key", found: key, allowed, args: { key, hint } };
}

function invalidKey(path: Path, issues: readonly Issue[]): Fault {
  const key = String(path.at(-1));
  const known = keysAt(path.slice(0, -1));
  const near = suggest(key, known);
  if (known.length > 0) {
    const hint = near === null ? "" : `; did you mean ${near}?`;
    return { code: "stack.unknown-key", path, at: "key", found: key, allowed: known.join(", "), args: { key, hint } };
  }
  return { code: "stack.not-allowed", path, at: "key", found: key, allowed: issues[0]?.message ?? "another name" };
}

/** The alternative that the value was meant to be: the one whose type fits; else all of them, as one fault. */
function unionFaults(errors: readonly (readonly Issue[])[], root: unknown, path: Path): readonly Fault[] {
  const meant = errors.filter((issues) => !issues.some((issue) => issue.path.length === 0 && isWrongType(issue)));
  const [first] = [...meant].sort((a, b) => a.length - b.length);
  if (first !== undefined) return first.flatMap((issue) => faultsOf(issue, root, path));
  const allowed = [...new Set(errors.map((issues) => (issues[0] === undefined ? "" : allowedText(issues[0]))))];
  return [
    { code: "stack.wrong-type", path, at: "value", found: foundText(root, path), allowed: allowed.join(", or ") },
  ];
}

function isWrongType(issue: Issue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function plainFault(issue: Issue, root: unknown, path: Path): Fault {
  const found = foundText(root, path);
  const allowed = allowedText(issue);
  if (valueAt(root, path) === undefined) return { code: "stack.missing", path, at: "key", found, allowed };
  const code = issue.code === "invalid_type" ? "stack.wrong-type" : "stack.not-allowed";
  const quoted = issue.code === "invalid_type" && issue.expected === "string" && /^[-\d]|^(true|false)$/.test(found);
  return { code, path, at: "value", found, allowed: quoted ? `${allowed} in quotes, as in "${found}"` : allowed };
}

function allowedText(issue: Issue): string {
  if (issue.code === "invalid_type") return KINDS[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return issue.values.map(String).join(", ");
  if (!issue.message.startsWith("Too ")) return issue.message;
  if (issue.code === "too_small") return `at least ${issue.minimum}${unit(issue.origin)}`;
  if (issue.code === "too_big") return `at most ${issue.maximum}${unit(issue.origin)}`;
  return issue.message;
}

function unit(origin: string): string {
  return origin === "string" ? " characters" : origin === "array" ? " entries" : "";
}
