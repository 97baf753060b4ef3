import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import type { Progress, ResourceReport, ResourceState } from "@fettle/shared/protocol/resource-report.ts";
import type { Cause } from "@fettle/shared/protocol/run-record.ts";
import type { Resource, Verdict } from "../resources/resource.ts";
import {
  type Cut,
  changesOf,
  disturbsOf,
  saidArgs,
  saidChanges,
  saidFindings,
  saidProgress,
  saidText,
} from "./said.ts";

/** A repair under way. */
export interface ActiveRun {
  readonly id: string;
  readonly cause: Cause;
  readonly abort: AbortController;
  /** Never rejects. */
  readonly done: Promise<void>;
  progress: Progress | null;
  /** Why nobody waits for it to settle any more; null while somebody does. */
  givenUp: string | null;
}

/** A look under way, told from others by itself. */
export interface ActiveLook {
  readonly cause: Cause;
}

/** What the loop knows of one resource. Times are monotonic ms but `since` and `lookedAt`. */
export interface Cell {
  readonly resource: Resource;
  verdict: Verdict | null;
  /** When the look began that the verdict is from. */
  seenFrom: number;
  /** Something that it rests on was repaired since that look began: it is too old to act on. */
  stale: boolean;
  look: ActiveLook | null;
  /** Why it is to be looked at again when the present look or run is over. */
  again: Cause | null;
  /** Wall-clock ms of the last look, or of the check it rests on; said in the report for kinds of a slow pace. */
  lookedAt: number | null;
  /** The next look that no event asks for; infinite when the pace alone decides. */
  lookAgainAt: number;
  run: ActiveRun | null;
  /** When the present drift was first seen, and what made us look; null when there is none. */
  drift: { readonly at: number; readonly cause: Cause } | null;
  /** Since when it is unknown; null when it is known. */
  unknownAt: number | null;
  /** The users of its service are being counted. */
  counting: boolean;
  /** Why the last repair in this life of the agent failed. */
  problem: string | null;
  /** Set while somebody else keeps writing the same wrong value. */
  contended: CodeArgs | null;
  /** When a decision must be made anew without a look: a backoff's end, a quiet moment. */
  decideAgainAt: number;
  state: ResourceState;
  code: Code | null;
  args: CodeArgs;
  /** Wall-clock ms of the last change of state or code. */
  since: number;
}

export function newCell(resource: Resource, now: number): Cell {
  return {
    resource,
    verdict: null,
    seenFrom: Number.NEGATIVE_INFINITY,
    stale: false,
    look: null,
    again: null,
    lookedAt: null,
    lookAgainAt: Number.NEGATIVE_INFINITY,
    run: null,
    drift: null,
    unknownAt: null,
    counting: false,
    problem: null,
    contended: null,
    decideAgainAt: Number.POSITIVE_INFINITY,
    state: "unknown",
    code: null,
    args: {},
    since: now,
  };
}

/** Sets what is said of the resource; true when that is something else than before. */
export function say(cell: Cell, now: number, state: ResourceState, code: Code | null, args: CodeArgs): boolean {
  const same = cell.state === state && cell.code === code;
  const sameArgs = same && JSON.stringify(cell.args) === JSON.stringify(args);
  cell.state = state;
  cell.code = code;
  cell.args = args;
  if (!same) cell.since = now;
  return !sameArgs;
}

const SLOW_MS = 5 * 60_000;

/** Looked at so seldom that whoever waits for its word must know when that was. */
export function isSlow(resource: Resource): boolean {
  return resource.everyMs >= SLOW_MS || resource.checkedAt !== undefined;
}

export function reportOf(cell: Cell, cut: Cut): ResourceReport {
  const { resource, verdict, run, code } = cell;
  const disturbs = disturbsOf(verdict);
  return {
    id: resource.id,
    hash: resource.hash,
    state: cell.state,
    since: cell.since,
    changes: saidChanges(changesOf(verdict), cut),
    findings: saidFindings(verdict?.findings ?? [], cut),
    ...(code !== null && {
      code,
      reason: saidText(render(codes[code].cause, cell.args), cut),
      args: saidArgs(cell.args, cut),
    }),
    ...(isSlow(resource) && cell.lookedAt !== null && { checkedAt: cell.lookedAt }),
    ...(run?.progress && { progress: saidProgress(run.progress, cut) }),
    ...(disturbs !== null && { disturbs }),
  };
}
