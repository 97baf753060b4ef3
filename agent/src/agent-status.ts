import { IS_DEV, VERSION } from "@fettle/shared/lib/version.ts";
import type { AgentStatus, UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";
import type { Identity } from "./store/identity.ts";

export interface AgentStatusParts {
  /** null before the enrolment. */
  readonly identity: Identity | null;
  /** The last update that this agent was asked for. */
  readonly update: UpdateStatus | null;
}

/** What the agent says of itself in a report. */
export function agentStatus({ identity, update }: AgentStatusParts): AgentStatus {
  return {
    version: VERSION,
    dev: IS_DEV,
    update,
    trusts: [],
    certificateExpiresAt: identity?.expiresAt ?? null,
    observing: null,
  };
}
