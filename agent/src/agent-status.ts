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
    ...(identity === null ? { trusts: [] } : trustOf(identity)),
    certificateExpiresAt: identity?.expiresAt ?? null,
    observing,
  };
}

type Trust = Pick<AgentStatus, "trusts" | "issuedUnder">;

/** Reports are many, and each of these is a signature to check. An identity that changes is another object. */
const known = new WeakMap<Identity, Trust>();

function trustOf(identity: Identity): Trust {
  const trust = known.get(identity) ?? { trusts: hashesOf(identity.ca), ...issuedUnder(identity) };
  known.set(identity, trust);
  return trust;
}

/** Whose certificate this machine shows, while that root is one of those it trusts. */
function issuedUnder({ certificate, ca }: Identity): Pick<AgentStatus, "issuedUnder"> {
  const root = rootOf(certificate, ca);
  return root === null ? {} : { issuedUnder: keyHash(root.publicKey, "hex") };
}
