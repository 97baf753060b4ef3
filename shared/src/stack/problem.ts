import type { CodeArgs } from "../codes/code.ts";
import type { Code } from "../codes/codes.ts";

/** Keys and indexes from the file's root. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a stack file. Lines and columns count from 1. */
export interface Problem {
  readonly code: Code;
  readonly line: number;
  readonly column: number;
  /** As in `spec.modelServers[0].models[1].name`. */
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
  /** The code's cause with everything filled in. */
  readonly message: string;
}

/** A problem before it has a place in the text. `at: key` points at the key itself, not at its value. */
export interface Fault {
  readonly code: Code;
  readonly path: Path;
  readonly at: "key" | "value";
  readonly found: string;
  readonly allowed: string;
  readonly args?: CodeArgs;
}

export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}
