import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { Resource } from "./resource.ts";

type Required = "id" | "observe" | "diff";
type Optional =
  | "after"
  | "long"
  | "polled"
  | "everyMs"
  | "lookMs"
  | "touches"
  | "service"
  | "apply"
  | "facts"
  | "checkedAt"
  | "againMs";

/** What a kind says of itself; the rest has defaults. */
export type Parts<Observed> = Pick<Resource<Observed>, Required> &
  Partial<Pick<Resource<Observed>, Optional>> & {
    /** Its own part of the role's parameters: what its hash is over. */
    readonly declared: unknown;
    /** 5 s when not given; a function where it depends on what runs. */
    readonly settleMs?: number | ((observed: Observed) => number);
  };

const SETTLE_MS = 5_000;
const LOOK_MS = 15_000;

/** A resource from its parts: `define({ id, declared, observe, diff, apply })`. */
export function define<Observed>(parts: Parts<Observed>): Resource<Observed> {
  const { declared, settleMs = SETTLE_MS, ...rest } = parts;
  return {
    after: [],
    long: false,
    polled: false,
    everyMs: 0,
    lookMs: LOOK_MS,
    touches: [],
    service: null,
    ...rest,
    hash: hashOf({ id: parts.id, declared }),
    settleMs: typeof settleMs === "function" ? settleMs : () => settleMs,
  };
}
