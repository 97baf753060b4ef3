import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Change, Finding, Progress } from "@fettle/shared/protocol/resource-report.ts";
import type { ResourceFinding, Verdict } from "../resources/resource.ts";

/** Cuts known secrets out of a text. */
export type Cut = (text: string) => string;

/** What the wire takes of one resource. */
export const MAX_TEXT = 2000;
const MAX_WHAT = 200;
const MAX_ITEMS = 50;

/** A text as it may be stored and sent: without secrets, no longer than the wire takes. */
export function saidText(text: string, cut: Cut, max = MAX_TEXT): string {
  return cut(text).slice(0, max);
}

export function saidChanges(changes: readonly Change[], cut: Cut): Change[] {
  const text = (value: string | null) => (value === null ? null : saidText(value, cut));
  return changes
    .slice(0, MAX_ITEMS)
    .map(({ what, from, to }) => ({ what: saidText(what, cut, MAX_WHAT), from: text(from), to: text(to) }));
}

export function saidFindings(findings: readonly ResourceFinding[], cut: Cut): Finding[] {
  return findings.slice(0, MAX_ITEMS).map(({ code, args }) => ({ code, args: saidArgs(args, cut) }));
}

export function saidArgs(args: CodeArgs, cut: Cut): Record<string, string | number> {
  const one = (value: string | number) => (typeof value === "string" ? saidText(value, cut) : value);
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, one(value)]));
}

export function saidProgress(progress: Progress, cut: Cut): Progress {
  return { ...progress, text: saidText(progress.text, cut) };
}

export function changesOf(verdict: Verdict | null): readonly Change[] {
  return verdict && "changes" in verdict ? (verdict.changes ?? []) : [];
}

/** Whether a report of the one reads otherwise than a report of the other, beside state and code. */
export function saysOther(one: Verdict | null, other: Verdict): boolean {
  const said = (verdict: Verdict | null) => [changesOf(verdict), verdict?.findings ?? [], disturbsOf(verdict)];
  return JSON.stringify(said(one)) !== JSON.stringify(said(other));
}

export function disturbsOf(verdict: Verdict | null): "none" | "service" | null {
  return verdict?.kind === "drift" ? verdict.disturbs : null;
}
