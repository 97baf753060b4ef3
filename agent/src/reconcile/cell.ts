import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import type { Progress, ResourceReport, ResourceState } from "@fettle/shared/protocol/resource-report.ts";
import type { Resource, Verdict } from "../resources/resource.ts";

/** A repair under way. */
export interface ActiveRun {
  readonly id: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  progress: Progress | null;
}

/** What the loop knows of one resource. Times are monotonic ms but `since` and `lookedAt`. */
export interface Cell {
  readonly resource: Resource;
  verdict: Verdict | null;
  looking: boolean;
  /** Wall-clock ms of the last look, or of the check it rests on; said in the report for kinds of a slow pace. */
  lookedAt: number | null;
  /** The next look that no event asks for; infinite when the pace alone decides. */
  lookAgainAt: number;
  /** Asked for again while a look was under way. */
  stale: boolean;
  run: ActiveRun | null;
  /** When the present drift was first seen; null when there is none. */
  driftAt: number | null;
  /** The users of its service are being counted. */
  counting: boolean;
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
    looking: false,
    lookedAt: null,
    lookAgainAt: Number.NEGATIVE_INFINITY,
    stale: false,
    run: null,
    driftAt: null,
    counting: false,
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
  const sameArgs = JSON.stringify(cell.args) === JSON.stringify(args);
  cell.state = state;
  cell.code = code;
  cell.args = args;
  if (!same) cell.since = now;
  return !same || !sameArgs;
}

const SLOW_MS = 5 * 60_000;

/** Looked at so seldom that whoever waits for its word must know when that was. */
export function isSlow(resource: Resource): boolean {
  return resource.everyMs >= SLOW_MS || resource.checkedAt !== undefined;
}

/** When what a look found was checked: now, unless the kind says otherwise. */
export function checkedAt(resource: Resource, observed: unknown, now: number): number | null {
  return observed === null || resource.checkedAt === undefined ? now : resource.checkedAt(observed);
}

const MAX_CHANGES = 50;
const MAX_TEXT = 2000;

export function reportOf(cell: Cell, cut: (text: string) => string): ResourceReport {
  const text = (value: string | null): string | null => (value === null ? null : cut(value).slice(0, MAX_TEXT));
  const changes = changesOf(cell.verdict).map(({ what, from, to }) => ({ what, from: text(from), to: text(to) }));
  const findings = (cell.verdict?.findings ?? []).map(({ code, args }) => ({ code, args: { ...args } }));
  return {
    id: cell.resource.id,
    hash: cell.resource.hash,
    state: cell.state,
    since: cell.since,
    changes: changes.slice(0, MAX_CHANGES),
    findings: findings.slice(0, MAX_CHANGES),
    ...(cell.code === null
      ? {}
      : {
          code: cell.code,
          reason: cut(render(codes[cell.code].cause, cell.args)).slice(0, MAX_TEXT),
          args: cutArgs(cell.args, cut),
        }),
    ...(isSlow(cell.resource) && cell.lookedAt !== null ? { checkedAt: cell.lookedAt } : {}),
    ...(cell.run?.progress ? { progress: cell.run.progress } : {}),
    ...(cell.verdict?.kind === "drift" ? { disturbs: cell.verdict.disturbs } : {}),
  };
}

function cutArgs(args: CodeArgs, cut: (text: string) => string): Record<string, string | number> {
  const one = (value: string | number) => (typeof value === "string" ? cut(value).slice(0, MAX_TEXT) : value);
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, one(value)]));
}

function changesOf(verdict: Verdict | null) {
  return verdict && "changes" in verdict ? (verdict.changes ?? []) : [];
}
