import { createHash } from "node:crypto";
import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { Machine } from "@fettle/shared/protocol/machine.ts";
import type { Logger } from "pino";
import type { Identity, IdentityStore } from "../store/identity.ts";
import type { Address } from "./parts.ts";
import { askReadmission, askRenewal, type NewCertificate } from "./renewal-calls.ts";
import type { LinkStatus } from "./status.ts";

export interface RenewalParts {
  readonly coordinators: readonly Address[];
  readonly store: Pick<IdentityStore, "load" | "candidate" | "nextKey" | "offer" | "promote">;
  readonly machine: () => Machine;
  /** The identity that the link shows; null before the enrolment. */
  readonly shown: () => Pick<Identity, "certificate"> | null;
  readonly status: () => Pick<LinkStatus, "state" | "clockOffsetMs">;
  /** Connects again, with the identity that is on disk then. */
  readonly reconnect: () => void;
  /** Nothing is being applied now. */
  readonly isQuiet: () => boolean;
  /** Another process has changed the identity, as an enrolment does. */
  readonly onForeignChange: (identity: Identity) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const DAY_MS = 86_400_000;
/** Of 90 days: renewed from day 30 on. */
const BEFORE_END_MS = 60 * DAY_MS;
/** So long after that at most, that many agents do not come at once. */
const SPREAD_MS = DAY_MS;
const LOOK_MS = 5_000;
const RENEW_AGAIN = { firstMs: 10_000, capMs: 3_600_000 };
const READMIT_EVERY_MS = 60_000;
/** A repair that does not end does not hold the new certificate up for ever. */
const QUIET_MS = 10 * 60_000;

/**
 * Keeps this machine's certificate good. A new key is made here and kept beside the old one; the old one stays in use
 * until a connection with the new one was let in, so that being cut off at any point costs nothing. When it has run
 * out all the same, the only thing that is asked for is to be let in again.
 */
export class Renewal implements Service {
  readonly id = "renewal";
  readonly #parts: RenewalParts;
  #wanted = false;
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #candidateSince: number | null = null;
  /** The candidate that the link was told of. */
  #told: string | null = null;
  #pending = false;
  #awake: () => void = () => undefined;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** The coordinator asks for a new certificate now. */
  want(renew: boolean): void {
    if (renew && !this.#wanted) {
      this.#notBefore = Number.NEGATIVE_INFINITY;
      this.#failures = 0;
    }
    this.#wanted = renew;
    if (renew) this.#awake();
  }

  /** A person has to say yes before this machine is let in again. */
  get pending(): boolean {
    return this.#pending;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await this.#look().catch((error: unknown) => this.#failed(error));
      const woken = new AbortController();
      this.#awake = () => woken.abort(new Error("woken"));
      await clock.sleep(LOOK_MS, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    }
    log.debug("no more renewals");
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#parts;
    const candidate = await store.candidate();
    if (candidate !== null && !this.#hasEnded(candidate)) return this.#useCandidate(candidate);
    // Both have run out; of the two this is the one that may have been taken for the node's.
    if (candidate !== null) await store.promote();
    this.#candidateSince = null;
    const identity = await store.load();
    if (identity === null) return;
    if (identity.certificate !== this.#parts.shown()?.certificate) this.#parts.onForeignChange(identity);
    if (clock.mono() < this.#notBefore) return;
    if (this.#hasEnded(identity)) return await this.#readmit(identity);
    this.#pending = false;
    if (this.#parts.status().state === "connected" && (this.#wanted || this.#isDue(identity)))
      await this.#renew(identity);
  }

  /** By the coordinator's clock where it is known: a wrong clock here is no reason to act. */
  #now(): number {
    return this.#parts.clock.now() - (this.#parts.status().clockOffsetMs ?? 0);
  }

  #isDue({ expiresAt, certificate }: Identity): boolean {
    const spread = createHash("sha256").update(certificate).digest().readUInt32BE() / 2 ** 32;
    return this.#now() >= expiresAt - BEFORE_END_MS + spread * SPREAD_MS;
  }

  /** A coordinator that lets it in says that it has not. */
  #hasEnded({ expiresAt }: Identity): boolean {
    return this.#parts.status().state !== "connected" && this.#now() >= expiresAt;
  }

  async #renew(identity: Identity): Promise<void> {
    const { store, machine, log } = this.#parts;
    const wanted = { identity, key: await store.nextKey(), machine: machine() };
    const certificate = await this.#asked((address) => askRenewal(address, wanted));
    await this.#offer(certificate, wanted);
    log.info("a new certificate was issued");
  }

  async #readmit(identity: Identity): Promise<void> {
    const { store, machine, clock, log } = this.#parts;
    const wanted = { identity, key: await store.nextKey(), machine: machine() };
    const certificate = await this.#asked((address) => askReadmission(address, wanted));
    // Only who has asked waits that long; a coordinator that starts a moment later than this agent is asked soon.
    this.#notBefore = clock.mono() + READMIT_EVERY_MS;
    if (certificate === null) {
      if (!this.#pending) log.warn({ code: "identity.certificate-ended" }, "asked to be let in again");
      this.#pending = true;
      return;
    }
    this.#pending = false;
    await this.#offer(certificate, wanted);
    log.info("let in again");
  }

  async #offer(certificate: string, { machine }: NewCertificate): Promise<void> {
    const { store, clock } = this.#parts;
    await store.offer(certificate, machine);
    this.#failures = 0;
    this.#notBefore = clock.mono() + RENEW_AGAIN.firstMs;
    this.#useCandidate({ certificate });
  }

  /** At once while nothing is connected; else between two repairs. Told once: from then on the link tries by itself. */
  #useCandidate({ certificate }: Pick<Identity, "certificate">): void {
    const { status, isQuiet, reconnect, clock } = this.#parts;
    if (this.#told === certificate) return;
    this.#candidateSince ??= clock.mono();
    const late = clock.mono() - this.#candidateSince >= QUIET_MS;
    if (status().state === "connecting") return;
    if (status().state === "connected" && !isQuiet() && !late) return;
    this.#told = certificate;
    reconnect();
  }

  async #asked<T>(ask: (address: Address) => Promise<T>): Promise<T> {
    let last: unknown = new FettleError("link.unreachable", { coordinator: "?", port: 0, problem: "none" });
    for (const address of this.#parts.coordinators) {
      try {
        return await ask(address);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#parts;
    this.#failures += 1;
    const delay = backoffMs(this.#failures, () => 0.5 + clock.random() / 2, RENEW_AGAIN);
    this.#notBefore = Math.max(this.#notBefore, clock.mono() + delay);
    const code = error instanceof FettleError ? error.code : undefined;
    log.warn({ code, problem: messageOf(error), delayMs: delay }, "no new certificate");
  }
}
