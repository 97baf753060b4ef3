import type { Fault, Path } from "../problem.ts";
import type { StackFile } from "../sections/spec.ts";

/** What a cross-check sees: what parses, and the file as written, also what of it does not parse. */
export interface CheckInput {
  readonly spec: StackFile["spec"];
  keys(path: Path): readonly string[];
  written(path: Path): unknown;
}

/** A rule over several sections. Pure. */
export type Check = (input: CheckInput) => readonly Fault[];
