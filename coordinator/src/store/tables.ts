import type { ApiTokenRow } from "./api-tokens.ts";
import type { ApprovalRow } from "./approvals.ts";
import type { AuditRow } from "./audit.ts";
import type { DesiredRow } from "./desired.ts";
import type { EnrolmentTokenRow } from "./enrolment-tokens.ts";
import type { EventRow } from "./events.ts";
import type { FactRow } from "./facts.ts";
import type { GateRow } from "./gates.ts";
import type { IdentityRow } from "./identities.ts";
import type { ImageTrackRow } from "./image-tracks.ts";
import type { LogRow } from "./logs.ts";
import type { MetaRow } from "./meta.ts";
import type { MetricMeanRow } from "./metric-means.ts";
import type { MetricRow } from "./metrics.ts";
import type { NodeRow } from "./nodes.ts";
import type { PauseRow } from "./pauses.ts";
import type { ReportRow } from "./reports.ts";
import type { RetryTokenRow } from "./retry-tokens.ts";
import type { RevisionRow } from "./revisions.ts";
import type { RunRow } from "./runs.ts";
import type { StackRow } from "./stacks.ts";
import type { UpdateRow } from "./updates.ts";

/** Every table of the database by its name. */
export interface Tables {
  meta: MetaRow;
  stacks: StackRow;
  revisions: RevisionRow;
  nodes: NodeRow;
  identities: IdentityRow;
  enrolment_tokens: EnrolmentTokenRow;
  api_tokens: ApiTokenRow;
  desired: DesiredRow;
  gates: GateRow;
  image_tracks: ImageTrackRow;
  reports: ReportRow;
  facts: FactRow;
  runs: RunRow;
  logs: LogRow;
  events: EventRow;
  audit: AuditRow;
  pauses: PauseRow;
  retry_tokens: RetryTokenRow;
  approvals: ApprovalRow;
  metrics: MetricRow;
  metric_means: MetricMeanRow;
  updates: UpdateRow;
}
