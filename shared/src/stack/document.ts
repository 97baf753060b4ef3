import { type Document, isMap, LineCounter, parseDocument, visit, type YAMLError } from "yaml";
import { codes } from "../codes/codes.ts";
import { render } from "../codes/render.ts";
import { keyText, locate } from "./locate.ts";
import { type Fault, type Problem, pathText } from "./problem.ts";

/** More than any stack needs; a larger text is refused before it is read. */
export const MAX_STACK_BYTES = 512 * 1024;

export interface StackText {
  readonly raw: unknown;
  place(fault: Fault): Problem;
}

/** The text as YAML: one document, JSON-like values, no custom tags. Else the problems of its syntax. */
export function readYaml(text: string): StackText | { readonly problems: readonly Problem[] } {
  if (text.length > MAX_STACK_BYTES) return { problems: [syntax(`it is longer than ${MAX_STACK_BYTES} bytes`, 1, 1)] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2", schema: "core" });
  const errors = [...document.errors, ...document.warnings].map((error) => yamlProblem(error, lines));
  if (errors.length === 0) errors.push(...strangeKeys(document, lines));
  if (errors.length > 0) return { problems: errors };
  try {
    return { raw: document.toJS({ maxAliasCount: 100 }), place: (fault) => placed(fault, document, lines) };
  } catch {
    return { problems: [syntax("it has too many aliases, or one without its anchor", 1, 1)] };
  }
}

function placed(fault: Fault, document: Document, lines: LineCounter): Problem {
  const { line, column } = locate(document.contents, lines, fault.path, fault.at);
  const path = pathText(fault.path);
  const args = { path: path === "" ? "the file" : path, found: fault.found, allowed: fault.allowed, ...fault.args };
  const message = render(codes[fault.code].cause, args);
  return { code: fault.code, line, column, path, found: fault.found, allowed: fault.allowed, message };
}

function yamlProblem(error: YAMLError, lines: LineCounter): Problem {
  const place = lines.linePos(error.pos[0]);
  return syntax(error.message, Math.max(1, place.line), Math.max(1, place.col));
}

/** Keys that no plain object can hold or that are no text, and aliases that stand for nothing. */
function strangeKeys(document: Document, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  const at = (node: unknown) => lines.linePos((node as { range?: [number] | null } | null)?.range?.[0] ?? 0);
  visit(document, {
    Alias(_, alias) {
      const place = at(alias);
      if (alias.resolve(document) === undefined) problems.push(syntax("an alias has no anchor", place.line, place.col));
    },
    Pair(_, pair) {
      const key = keyText(pair.key);
      if (!isMap(pair.key) && !["__proto__", "[object Object]"].includes(key)) return;
      const place = at(pair.key);
      problems.push(syntax("a key is not plain text", place.line, place.col));
    },
  });
  return problems;
}

function syntax(problem: string, line: number, column: number): Problem {
  const args = { problem };
  const message = render(codes["stack.syntax"].cause, args);
  return { code: "stack.syntax", line, column, path: "", found: problem, allowed: "one YAML document", message };
}
