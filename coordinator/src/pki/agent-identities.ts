import type { EnrolAnswer } from "@fettle/shared/api/enrol.ts";
import type { ReadmitRequest } from "@fettle/shared/api/readmit.ts";
import type { RenewRequest } from "@fettle/shared/api/renew.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { chosenMachine } from "@fettle/shared/lib/identity-case.ts";
import type { Machine } from "@fettle/shared/protocol/machine.ts";
import { Nonces } from "./nonces.ts";
import { RateLimit } from "./rate-limit.ts";
import { type Readmission, readmit } from "./readmit.ts";
import { type RenewParts, renew } from "./renew.ts";

/** The life of an agent's identity after its enrolment: renewal, readmission, and whose word it takes. */
export class AgentIdentities {
  readonly #parts: () => RenewParts;
  readonly #nonces: Nonces;
  readonly #renewals: RateLimit;
  readonly #readmissions: RateLimit;

  constructor(clock: Clock, parts: () => RenewParts) {
    this.#parts = parts;
    this.#nonces = new Nonces(clock);
    this.#renewals = new RateLimit(clock);
    this.#readmissions = new RateLimit(clock);
  }

  /** `fingerprint` is of the certificate that was shown. Throws one of the `identity.*` codes. */
  async renew(node: string, fingerprint: string, request: RenewRequest): Promise<EnrolAnswer> {
    this.#renewals.take(node);
    return await renew(this.#parts(), fingerprint, request);
  }

  /** `from` is the peer's address, for the rate limit. Throws `identity.rate-limited`. */
  nonce(from: string): string {
    this.#readmissions.take(from);
    return this.#nonces.next();
  }

  /** Throws one of the `identity.*` codes. */
  async readmit(request: ReadmitRequest, from: string): Promise<Readmission> {
    this.#readmissions.take(from);
    return await readmit(this.#parts(), this.#nonces, request);
  }

  /**
   * A person's word which machine the node is: it alone gets a new certificate now, and the one before ends with its
   * first use. Throws `identity.nothing-to-readmit`, `identity.which-machine`.
   */
  async approve(node: string, by: string, machine: string | undefined): Promise<Machine> {
    const { store, clock } = this.#parts();
    return await store.write(async ({ identityCases }) => {
      const row = await identityCases.get(node);
      if (row === undefined) throw new FettleError("identity.nothing-to-readmit", { node });
      const named = chosenMachine(row, machine);
      await identityCases.put({ ...row, approved: JSON.stringify(named), approvedAt: clock.now(), approvedBy: by });
      return named;
    });
  }
}
