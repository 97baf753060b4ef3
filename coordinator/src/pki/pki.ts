import type { EnrolAnswer, EnrolRequest } from "@fettle/shared/api/enrol.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Service } from "@fettle/shared/lib/service.ts";

export interface MintRequest {
  readonly stack: string;
  readonly node: string;
  readonly roles: readonly string[];
  /** Who asked for it. */
  readonly by: string;
}

export interface MintedToken {
  /** Shown once, never stored. */
  readonly token: Secret;
  readonly id: string;
  readonly expiresAt: number;
}

export interface ServerIdentity {
  /** The certificate's PEM. */
  readonly certificate: string;
  readonly key: Secret;
  readonly notAfter: number;
}

export interface Pki extends Service {
  /** The CA's certificate, PEM. */
  readonly ca: string;
  readonly caNotAfter: number;
  /** The fixed name in the coordinator's certificate. */
  readonly coordinatorName: string;
  /** Throws `identity.node-exists` when the node has a live identity, `identity.node-taken` when another stack has it. */
  mint(request: MintRequest): Promise<MintedToken>;
  /** `from` is the peer's address, for the rate limit. Throws one of the `identity.*` codes. */
  enrol(request: EnrolRequest, from: string): Promise<EnrolAnswer>;
  /** Revokes all that the node has: certificates and unused tokens. Its connection is cut by the caller (hub.cut). */
  revoke(node: string): Promise<void>;
  /** The coordinator's own certificate; it changes on renewal, its key does not. */
  server(): ServerIdentity;
  /** Calls back when the server's certificate was renewed; returns how to stop that. */
  onRenewed(listener: (server: ServerIdentity) => void): () => void;
}
