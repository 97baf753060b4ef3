import type { FettleError } from "@fettle/shared/lib/errors.ts";

/** How the link stands, for the report and the local commands. */
export interface LinkStatus {
  readonly state: "connected" | "connecting" | "waiting";
  /** `host:port` of the coordinator that is or was last dialled. */
  readonly coordinator: string | null;
  /** Wall-clock ms since when `state` holds. */
  readonly since: number;
  /** Wall-clock ms of the last frame; null when there was none in this life of the agent. */
  readonly heardAt: number | null;
  /** Why the last connection ended or could not be made. */
  readonly problem: FettleError | null;
  /** Positive when this machine's clock is ahead of the coordinator's; null before the first welcome. */
  readonly clockOffsetMs: number | null;
}
