import type { FileStat } from "../system/files.ts";
import type { Pins } from "./pins.ts";

export type PathKind = FileStat["kind"] | "absent";

/** What the rules need to know of the machine. Gathered before, so that the rules are pure. */
export interface PolicyFacts {
  /** This machine's addresses; empty when they could not be read, which stops nothing. */
  readonly addresses: readonly string[];
  /** Host that the GitLab on this machine calls its own; null when it cannot be read. */
  readonly gitlabHost: string | null;
  /** What lies at the paths that the parameters name. */
  readonly paths: Readonly<Record<string, PathKind>>;
  /** What was allowed at its first use. */
  readonly pins: Pins;
}
