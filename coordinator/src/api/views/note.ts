import type { Note } from "@fettle/shared/api/resources.ts";
import type { CodeArgs, CodeDefinition } from "@fettle/shared/codes/code.ts";
import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import { render, renderAt } from "@fettle/shared/codes/render.ts";

/** The catalogue's entry of a code that came over the wire; undefined for one that a newer agent knows. */
export function known(code: string): CodeDefinition | undefined {
  return Object.hasOwn(codes, code) ? codes[code as Code] : undefined;
}

/** A code about one place, with its texts filled in, `NODE/ID` and `NODE` replaced by the place itself. */
export function noteOf(code: string, args: CodeArgs, where: string): Note {
  const entry = known(code);
  if (entry === undefined) return { code, severity: "warning", text: code, remedy: "" };
  const [node = where] = where.split("/", 1);
  const named = { node, ...args };
  return { code, severity: entry.severity, text: render(entry.cause, named), remedy: remedyOf(entry, named, where) };
}

export function remedyOf(entry: CodeDefinition, args: CodeArgs, where: string): string {
  return renderAt(entry.remedy, args, where);
}
