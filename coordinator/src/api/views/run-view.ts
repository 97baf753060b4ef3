import type { RunView } from "@fettle/shared/api/runs.ts";
import type { RunRow } from "../types.ts";

export function runView(run: RunRow): RunView {
  const { id, node, resource, cause, phase, outcome, code, startedAt, endedAt } = run;
  const changes = JSON.parse(run.changes) as RunView["changes"];
  return { id, node, resource, cause, phase, outcome, code, text: run.reason, changes, startedAt, endedAt };
}
