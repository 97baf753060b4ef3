import type { ResourceView } from "@fettle/shared/api/resources.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { NodeState } from "../types.ts";
import { known, noteOf, remedyOf } from "./note.ts";

/** What a node says of its resources; of a stale node everything is unknown. Pure. */
export function resourceViews(node: string, state: NodeState): ResourceView[] {
  const reports = state.report?.resources ?? [];
  return reports.map((report) => resourceView(node, report, !state.live));
}

export function resourceView(node: string, report: ResourceReport, stale: boolean): ResourceView {
  const where = `${node}/${report.id}`;
  const { id, hash, since, changes, code, reason, args, progress, disturbs } = report;
  const text = reason ?? code;
  const entry = code === undefined ? undefined : known(code);
  return {
    node,
    id,
    hash,
    since,
    changes,
    state: stale && report.state !== "released" ? "unknown" : report.state,
    ...(stale ? { lastState: report.state } : {}),
    ...(code === undefined ? {} : { code }),
    ...(text === undefined ? {} : { text }),
    ...(entry === undefined ? {} : { severity: entry.severity, remedy: remedyOf(entry, args ?? {}, where) }),
    findings: report.findings.map((finding) => noteOf(finding.code, finding.args, where)),
    ...(progress === undefined || stale ? {} : { progress }),
    ...(disturbs === undefined ? {} : { disturbs }),
  };
}
