import type { Report } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";

type Step = (report: Report) => Report;

/** Each leaves out more than the one before; what a person needs first goes last. */
const STEPS: readonly Step[] = [
  (report) => each(report, (resource) => ({ ...resource, findings: resource.findings.slice(0, 5) })),
  (report) => each(report, (resource) => ({ ...resource, changes: resource.changes.slice(0, 5).map(shortChange) })),
  (report) => each(report, (resource) => ({ ...resource, findings: [], ...shortReason(resource, 300) })),
  (report) => each(report, (resource) => ({ ...resource, changes: [], ...shortReason(resource, 120) })),
  (report) => ({ ...report, ports: [], health: report.health && { ...report.health, findings: [], disks: [] } }),
  (report) => each(report, ({ id, hash, state, since, code }) => minimal({ id, hash, state, since, code })),
  (report) => ({ ...report, health: null, pauses: [], resources: report.resources.slice(0, 250) }),
];

/** The report in at most `maxBytes` of JSON: findings, changes and reasons are shortened before any state is left out. */
export function fitReport(report: Report, maxBytes: number): Report {
  let fitted = report;
  for (const step of STEPS) {
    if (sizeOf(fitted) <= maxBytes) return fitted;
    fitted = step(fitted);
  }
  return fitted;
}

export function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function each(report: Report, shorten: (resource: ResourceReport) => ResourceReport): Report {
  return { ...report, resources: report.resources.map(shorten) };
}

function shortChange({ what, from, to }: ResourceReport["changes"][number]): ResourceReport["changes"][number] {
  return { what, from: from === null ? null : from.slice(0, 200), to: to === null ? null : to.slice(0, 200) };
}

function shortReason(resource: ResourceReport, length: number): { reason?: string } {
  return resource.reason === undefined ? {} : { reason: resource.reason.slice(0, length) };
}

type Essence = Pick<ResourceReport, "id" | "hash" | "state" | "since"> & { code: string | undefined };

function minimal({ code, ...rest }: Essence): ResourceReport {
  return { ...rest, ...(code === undefined ? {} : { code }), changes: [], findings: [] };
}
