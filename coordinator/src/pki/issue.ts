import { type KeyObject, X509Certificate } from "node:crypto";
import type { EnrolAnswer } from "@fettle/shared/api/enrol.ts";
import { fingerprintOf, keyHash } from "@fettle/shared/lib/certificates.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Machine } from "@fettle/shared/protocol/machine.ts";
import type { IdentityRow } from "../store/identities.ts";
import { type Authority, BACKDATE_MS, chainOf, DAY_MS } from "./authority.ts";

export const AGENT_DAYS = 90;

export interface IssueParts {
  readonly clock: Clock;
  readonly authority: Authority;
  /** The roots that the agent is to trust (PEM), the authority's own first. */
  readonly roots: readonly string[];
  readonly coordinatorName: string;
  readonly agentPort: number;
}

export interface Holder {
  readonly node: string;
  readonly stack: string;
  /** CN of the certificate; stays across renewals. */
  readonly nodeId: string;
  readonly roles: readonly string[];
  readonly machine: Machine;
}

export interface Issued {
  readonly answer: EnrolAnswer;
  /** To be stored before the answer is given. */
  readonly identity: IdentityRow;
}

/** A certificate for an agent's key, and the row that says so. */
export async function issue(parts: IssueParts, holder: Holder, key: KeyObject): Promise<Issued> {
  const { agentCertificate } = await import("./certificates.ts");
  const { authority, roots, clock, coordinatorName, agentPort } = parts;
  const { node, stack, nodeId, machine } = holder;
  const roles = [...holder.roles];
  const issuedAt = clock.now();
  const notAfter = Math.min(issuedAt + AGENT_DAYS * DAY_MS, authority.notAfter);
  const leaf = await agentCertificate(authority, key, nodeId, { notBefore: issuedAt - BACKDATE_MS, notAfter });
  const certificate = chainOf(leaf, authority);
  const fingerprint = fingerprintOf(new X509Certificate(certificate));
  const times = { issuedAt, notAfter, revokedAt: null, usedAt: null };
  return {
    answer: { node, stack, roles, certificate, ca: roots.join("\n"), coordinatorName, agentPort },
    identity: {
      ...{ fingerprint, stack, node, nodeId, keyHash: keyHash(key, "hex"), ...machine, ...times },
      roles: JSON.stringify(roles),
    },
  };
}
