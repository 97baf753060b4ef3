import { keyHash, rootOf } from "@fettle/shared/lib/certificates.ts";
import { IS_DEV, VERSION } from "@fettle/shared/lib/version.ts";
import type { AgentStatus, UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";
import type { Identity } from "./store/identity.ts";
import { hashesOf } from "./trusted-roots.ts";

export interface AgentStatusParts {
  /** null before the enrolment. */
  readonly identity: Identity | null;
  /** The last update that this agent was asked for. */
  readonly update: UpdateStatus | null;
  readonly observing: AgentStatus["observing"];
}

/** What the agent says of itself in a report. */
export function agentStatus({ identity, update, observing }: AgentStatusParts): AgentStatus {
  return {
    version: VERSION,
    dev: IS_DEV,
    update,
    trusts: identity === null ? [] : hashesOf(identity.ca),
    certificateExpiresAt: identity?.expiresAt ?? null,
    ...issuedUnder(identity),
    observing,
  };
}

/** Whose certificate this machine shows, while that root is one of those it trusts. */
function issuedUnder(identity: Identity | null): Pick<AgentStatus, "issuedUnder"> {
  const root = identity === null ? null : rootOf(identity.certificate, identity.ca);
  return root === null ? {} : { issuedUnder: keyHash(root.publicKey, "hex") };
}
