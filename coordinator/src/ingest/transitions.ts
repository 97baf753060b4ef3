import type { Severity } from "@fettle/shared/codes/code.ts";
import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { Finding, ResourceReport, ResourceState } from "@fettle/shared/protocol/resource-report.ts";
import type { Peer } from "../hub/peer.ts";
import type { NewEvent } from "./event-feed.ts";

/** What a person would want to know of the difference between two reports of one node. Pure. */
export function transitions(peer: Peer, before: Report | null, after: Report): NewEvent[] {
  return [
    ...states(before, after),
    ...findings(before, after),
    ...machine(before, after),
    ...desiredStates(before, after),
    ...pauses(before, after),
    ...updates(before, after),
  ].map((event) => ({ ...peer, ...event }));
}

type Found = Omit<NewEvent, "stack" | "node">;

/** States that say themselves that something is wrong, whatever the code's severity. */
const AT_LEAST_WARNING: ReadonlySet<ResourceState> = new Set(["failed", "blocked", "contended"]);

function states(before: Report | null, after: Report): Found[] {
  const known = new Map(before?.resources.map((resource) => [resource.id, resource]));
  return after.resources.flatMap((now) => {
    const then = known.get(now.id);
    if (then?.state === now.state && then.code === now.code) return [];
    // The first report of a machine in order is no news.
    if (then === undefined && (now.state === "in-sync" || now.state === "unknown")) return [];
    return [stateEvent(then?.state ?? null, now)];
  });
}

function stateEvent(from: ResourceState | null, { id, state, code, reason, changes }: ResourceReport): Found {
  const why = reason === undefined ? "" : `: ${reason}`;
  return {
    kind: "resource.state",
    resource: id,
    text: `${id} ${from === null ? "is" : `went from ${from} to`} ${state}${why}`,
    severity: severityOf(state, code),
    ...(code === undefined ? {} : { code }),
    data: { from, to: state, changes },
  };
}

function severityOf(state: ResourceState, code: string | undefined): Severity {
  const own = code === undefined || state === "in-sync" ? "info" : severityOfCode(code);
  return own === "info" && AT_LEAST_WARNING.has(state) ? "warning" : own;
}

function severityOfCode(code: string): Severity {
  return Object.hasOwn(codes, code) ? codes[code as Code].severity : "warning";
}

/** Findings of warning and above that came or went, of resources and of the machine. */
function findings(before: Report | null, after: Report): Found[] {
  const [then, now] = [findingsOf(before), findingsOf(after)];
  const raised = [...now].filter(([key]) => !then.has(key)).map(([, found]) => findingEvent("finding.raised", found));
  const cleared = [...then].filter(([key]) => !now.has(key)).map(([, found]) => findingEvent("finding.cleared", found));
  return [...raised, ...cleared];
}

interface FoundAt {
  readonly resource: string | null;
  readonly finding: Finding;
}

function findingsOf(report: Report | null): Map<string, FoundAt> {
  const ofResources = (report?.resources ?? []).flatMap(({ id, findings: list }) =>
    list.map((finding) => ({ resource: id, finding })),
  );
  const ofMachine = (report?.health?.findings ?? []).map((finding) => ({ resource: null, finding }));
  const worth = [...ofResources, ...ofMachine].filter(({ finding }) => severityOfCode(finding.code) !== "info");
  return new Map(worth.map((found) => [`${found.resource ?? ""} ${found.finding.code}`, found]));
}

function findingEvent(kind: "finding.raised" | "finding.cleared", { resource, finding }: FoundAt): Found {
  const { code, args } = finding;
  const cause = Object.hasOwn(codes, code) ? render(codes[code as Code].cause, args) : code;
  return {
    kind,
    ...(resource === null ? {} : { resource }),
    code,
    severity: kind === "finding.cleared" ? "info" : severityOfCode(code),
    text: kind === "finding.cleared" ? `No longer: ${cause}` : cause,
  };
}

function machine(before: Report | null, after: Report): Found[] {
  const [then, now] = [before?.health?.state, after.health?.state];
  if (now === undefined || then === now || (then === undefined && now === "ok")) return [];
  const severity = now === "critical" || now === "warning" ? now : "info";
  return [{ kind: "health.state", severity, text: `health is ${now}`, data: { from: then ?? null, to: now } }];
}

function desiredStates(before: Report | null, { desired }: Report): Found[] {
  if (desired === null || desired.state === "accepted") return [];
  const then = before?.desired;
  if (then?.state === "rejected" && then.generation === desired.generation && then.hash === desired.hash) return [];
  return [
    {
      kind: "desired.rejected",
      severity: "critical",
      text: `the agent refused generation ${desired.generation}: ${desired.reason ?? desired.code ?? "no reason given"}`,
      ...(desired.code === undefined ? {} : { code: desired.code }),
    },
  ];
}

/** Every step of an update of the agent itself; why it did not come about is in the text. */
function updates(before: Report | null, { agent }: Report): Found[] {
  const [then, now] = [before?.agent?.update ?? null, agent?.update ?? null];
  if (now === null || (then?.token === now.token && then.state === now.state && then.code === now.code)) return [];
  const why = now.reason === undefined ? "" : `: ${now.reason}`;
  const severity = now.code === undefined ? "info" : severityOfCode(now.code);
  const { version, from, state, code } = now;
  const text = `the agent's update from ${from} to ${version}: ${state}${why}`;
  return [{ kind: `update.${state}`, severity, text, ...(code && { code }), data: { version, from } }];
}

function pauses(before: Report | null, after: Report): Found[] {
  const then = new Map(before?.pauses.map((pause) => [pause.scope, pause]));
  const now = new Map(after.pauses.map((pause) => [pause.scope, pause]));
  const set = [...now.values()].filter(({ scope, at }) => then.get(scope)?.at !== at);
  const ended = [...then.values()].filter(({ scope }) => !now.has(scope));
  return [
    ...set.map(({ scope, reason }): Found => {
      return { kind: "pause.set", text: `paused on the machine itself (${scope}): ${reason}`, data: { scope } };
    }),
    ...ended.map(({ scope }): Found => {
      return { kind: "pause.ended", text: `the pause on the machine itself (${scope}) is over`, data: { scope } };
    }),
  ];
}
