import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { EnrolRequest } from "@fettle/shared/api/enrol.ts";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { Store } from "../store/store.ts";
import { AgentIdentities } from "./agent-identities.ts";
import { type Authorities, dropOld, loadAuthorities, prepareNext, switchOver } from "./authorities.ts";
import { ROOT_KEY_FILE, renewIssuer } from "./authority.ts";
import { type Enrolled, type EnrolParts, enrol } from "./enrol.ts";
import { isThere } from "./pem-file.ts";
import { RateLimit } from "./rate-limit.ts";
import { namesOf, serverIdentity } from "./server-certificate.ts";
import { newToken, tokenText } from "./token.ts";

export interface MintRequest {
  readonly stack: string;
  readonly node: string;
  readonly roles: readonly string[];
  /** Who asked for it. */
  readonly by: string;
  /** Default: an hour. */
  readonly lifeMs?: number;
  /** The only cloud instance that may use it. */
  readonly instanceId?: string;
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

export interface PkiParts {
  readonly folder: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly coordinatorId: string;
  /** Names and addresses for the coordinator's certificate beside its own. */
  readonly names: readonly string[];
  /** The port of the agents' listener, as agents are told. */
  readonly agentPort: () => number;
  readonly onRenewalFailed: (error: unknown) => void;
}

type RenewListener = (server: ServerIdentity) => void;

const TOKEN_LIFE_MS = 60 * 60_000;
const RENEWAL_CHECK_MS = 60 * 60_000;

/** The fixed name that agents ask for, whatever the coordinator's address is. */
export function coordinatorNameOf(coordinatorId: string): string {
  return `coordinator.${coordinatorId}.fettle.internal`;
}

/** The coordinator's certificates: its CA, its own one, and who gets one as an agent. */
export class Pki implements Service {
  readonly id = "pki";
  /** Their renewal and readmission. */
  readonly agents: AgentIdentities;
  readonly #parts: PkiParts;
  readonly #limit: RateLimit;
  readonly #listeners = new Set<RenewListener>();
  #authorities: Authorities;
  #server: ServerIdentity;
  /** A renewal and a step of a rotation that meet would undo each other's. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(parts: PkiParts, authorities: Authorities, server: ServerIdentity) {
    this.#parts = parts;
    this.#authorities = authorities;
    this.#server = server;
    this.#limit = new RateLimit(parts.clock);
    this.agents = new AgentIdentities(parts.clock, () => this.#issueParts());
  }

  /** Reads the CA and makes or renews the server's certificate. Throws `coordinator.bad-pki`, `coordinator.exposed`. */
  static async open(parts: PkiParts): Promise<Pki> {
    const authorities = await loadAuthorities(parts.folder);
    const names = namesOf(coordinatorNameOf(parts.coordinatorId), parts.names);
    return new Pki(parts, authorities, await serverIdentity(parts.folder, authorities.active, names, parts.clock));
  }

  /** The root's certificate, PEM. */
  get ca(): string {
    return this.#authorities.active.root;
  }

  /** Whether the root's key is on this machine; it may be taken off it. */
  async rootKeyHere(): Promise<boolean> {
    return await isThere(join(this.#parts.folder, ROOT_KEY_FILE));
  }

  /** The authority in use and what a rotation has beside it. */
  get authorities(): Authorities {
    return this.#authorities;
  }

  /** The roots (PEM) that agents are to trust, the one in use first; all of them let agents in. */
  get roots(): readonly string[] {
    const { active, next, old } = this.#authorities;
    return [active, next, old].flatMap((authority) => (authority === null ? [] : [authority.root]));
  }

  /** Whether certificates of this root (hash of its key, hex) are to be replaced now. */
  isGoing(root: string): boolean {
    const { active, old } = this.#authorities;
    return old !== null && root !== active.rootHash;
  }

  /** Makes the authority that comes; a rotation that is under way goes on as it is. */
  prepareRotation(): Promise<void> {
    const { folder, coordinatorId, clock } = this.#parts;
    return this.#take(() => prepareNext(folder, coordinatorId, clock));
  }

  /** From now on certificates come from the authority that was prepared. */
  switchRotation(): Promise<void> {
    return this.#take(() => switchOver(this.#parts.folder));
  }

  /** The old root lets nobody in any more. */
  endRotation(): Promise<void> {
    return this.#take(() => dropOld(this.#parts.folder));
  }

  #take(step: () => Promise<Authorities>): Promise<void> {
    return this.#inTurn(async () => {
      this.#authorities = await step();
      await this.#renew();
      // Whose clients are let in has changed, also where the server's certificate has not.
      for (const listener of this.#listeners) listener(this.#server);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** The server's key as curl pins it, `sha256//BASE64`; it stays across renewals. */
  get serverPin(): string {
    return `sha256//${keyHash(new X509Certificate(this.#server.certificate).publicKey, "base64")}`;
  }

  /** The fixed name in the coordinator's certificate. */
  get coordinatorName(): string {
    return coordinatorNameOf(this.#parts.coordinatorId);
  }

  /** Throws `identity.node-exists` when the node is enrolled with these very roles, `identity.node-taken` when another stack has it. */
  async mint({ stack, node, roles, by, lifeMs = TOKEN_LIFE_MS, instanceId }: MintRequest): Promise<MintedToken> {
    const { store, clock } = this.#parts;
    const parts = newToken(this.#authorities.active.pin);
    const createdAt = clock.now();
    const expiresAt = createdAt + lifeMs;
    await store.write(async ({ nodes, identities, enrolmentTokens }) => {
      const known = await nodes.get(node);
      if (known !== undefined && known.stack !== stack) throw new FettleError("identity.node-taken", { node });
      const live = await identities.live(node, createdAt);
      if (live.some((row) => hasRoles(row, roles))) throw new FettleError("identity.node-exists", { node });
      await enrolmentTokens.add({
        id: parts.id,
        stack,
        node,
        roles: JSON.stringify(roles),
        secretHash: sha256Hex(parts.secret),
        by,
        createdAt,
        expiresAt,
        usedAt: null,
        usedKeyHash: null,
        answer: null,
        instanceId: instanceId ?? null,
        usedBy: null,
      });
    });
    return { token: new Secret(tokenText(parts)), id: parts.id, expiresAt };
  }

  /** `from` is the peer's address, for the rate limit. Throws one of the `identity.*` codes. */
  async enrol(request: EnrolRequest, from: string): Promise<Enrolled> {
    this.#limit.take(from);
    return await enrol(this.#issueParts(), request);
  }

  #issueParts(): EnrolParts {
    const { store, clock, agentPort } = this.#parts;
    return {
      ...{ store, clock, authority: this.#authorities.active, roots: this.roots },
      coordinatorName: this.coordinatorName,
      agentPort: agentPort(),
    };
  }

  /** Revokes all that the node has: certificates and unused tokens. Its connection is the caller's to cut. */
  async revoke(node: string): Promise<void> {
    const { store, clock } = this.#parts;
    await store.write(async ({ identities, enrolmentTokens, identityCases }) => {
      await identityCases.remove(node);
      await identities.revoke(node, clock.now());
      await enrolmentTokens.cancel(node);
    });
  }

  /** The coordinator's own certificate; it changes on renewal, its key does not. */
  server(): ServerIdentity {
    return this.#server;
  }

  /** Calls back when the server's certificate was renewed; returns how to stop that. */
  onRenewed(listener: RenewListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Renews the issuing CA's and the server's certificate when they are due. */
  renew(): Promise<void> {
    return this.#inTurn(() => this.#renew());
  }

  async #renew(): Promise<void> {
    const { folder, clock, names } = this.#parts;
    const active = await renewIssuer(folder, this.#authorities.active, clock.now());
    this.#authorities = { ...this.#authorities, active };
    const wanted = namesOf(this.coordinatorName, names);
    const { renewed, ...server } = await serverIdentity(folder, active, wanted, clock);
    if (!renewed) return;
    this.#server = server;
    for (const listener of this.#listeners) listener(server);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // The one in use is good for weeks yet: a full disk now is no reason to stop.
      await this.renew().catch((error: unknown) => this.#parts.onRenewalFailed(error));
      await this.#parts.clock.sleep(RENEWAL_CHECK_MS, signal).catch(() => undefined);
    }
  }
}

/** Another token for an enrolled node is good for one thing: other roles on the same machine. */
function hasRoles(row: IdentityRow, roles: readonly string[]): boolean {
  if (row.roles === null) return false;
  return JSON.stringify([...(JSON.parse(row.roles) as string[])].sort()) === JSON.stringify([...roles].sort());
}
