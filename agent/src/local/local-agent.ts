import type { PlanResult } from "@fettle/shared/protocol/plan.ts";
import type { LocalPause } from "@fettle/shared/protocol/report.ts";
import type { LocalPolicyView, LocalStatus, LocalWhy } from "./views.ts";

/** The running agent, as far as the commands on its machine need it. */
export interface LocalAgent {
  status(): LocalStatus;
  /** Looks at everything as it is declared now, and changes nothing. */
  plan(): Promise<PlanResult>;
  /** Journals the pause and who made it; holds from the next decision on. */
  pause(pause: LocalPause, by: string): void;
  /** False when there was no such pause. */
  resume(scope: string, by: string): boolean;
  /** null when there is no such resource here. */
  why(id: string): LocalWhy | null;
  policy(): LocalPolicyView;
  /** Takes up a release that lies on this machine. Throws FettleError `update.…`. */
  update(path: string, by: string): Promise<{ readonly from: string; readonly version: string }>;
}
