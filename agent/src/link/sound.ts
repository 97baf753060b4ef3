import { type Report, report as reportSchema } from "@fettle/shared/protocol/report.ts";
import { resourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { RunRecord } from "@fettle/shared/protocol/run-record.ts";
import type * as z from "zod";

/**
 * The items that keep the wire's rules. One that does not would end the connection at the other side, again and again,
 * so it is left out; `onBad` is told, since it is an error of this program.
 */
export function soundItems<T>(schema: z.ZodType<T>, items: readonly T[], onBad: (problem: string) => void): T[] {
  return items.filter((item) => {
    const parsed = schema.safeParse(item);
    if (!parsed.success) onBad(problemOf(parsed.error));
    return parsed.success;
  });
}

/** A report that keeps the wire's rules: as it is, without its bad resources, or without everything but the pauses. */
export function soundReport(report: Report, onBad: (problem: string) => void): Report {
  const parsed = reportSchema.safeParse(report);
  if (parsed.success) return report;
  onBad(problemOf(parsed.error));
  const resources = soundItems(resourceReport, report.resources, onBad).slice(0, 500);
  const without = { ...report, resources };
  if (reportSchema.safeParse(without).success) return without;
  return { desired: report.desired, facts: {}, resources, health: null, ports: [], pauses: [] };
}

const MAX_TEXT = 2000;
const MAX_CHANGES = 50;

/** A run with every text cut to what the wire takes; nothing of a run may be lost for its length. */
export function cutRun(run: RunRecord): RunRecord {
  const cut = (text: string | null): string | null => (text === null ? null : text.slice(0, MAX_TEXT));
  const changes = run.changes
    .slice(0, MAX_CHANGES)
    .map(({ what, from, to }) => ({ what: what.slice(0, 200), from: cut(from), to: cut(to) }));
  return { ...run, changes, reason: cut(run.reason) };
}

function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`;
}
