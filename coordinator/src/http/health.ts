import type { Context } from "../context.ts";

/** What `/healthz` says; anybody may ask, so it names nothing of the stack. */
export interface Health {
  readonly ok: boolean;
  readonly store: { readonly writable: boolean; readonly problem?: string; readonly migration: string };
  readonly ca: { readonly daysLeft: number };
  readonly issuer: { readonly daysLeft: number };
  readonly certificate: { readonly daysLeft: number };
  readonly agents: number;
}

/** A look at the store lasts this long, so that asking costs no write each time. */
const LOOK_MS = 5_000;
const CA_WARNING_DAYS = 90;
type Days = [number, number, number];
const DAY_MS = 24 * 60 * 60_000;

export class HealthCheck {
  readonly #context: Context;
  #problem: Promise<string | null> = Promise.resolve(null);
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(context: Context) {
    this.#context = context;
  }

  async read(): Promise<Health> {
    const { pki, hub, clock, store } = this.#context;
    const problem = await this.#storeProblem();
    const daysUntil = (at: number): number => Math.floor((at - clock.now()) / DAY_MS);
    const { rootNotAfter, notAfter } = pki.authorities.active;
    const [ca, issuer, certificate] = [rootNotAfter, notAfter, pki.server().notAfter].map(daysUntil) as Days;
    return {
      ok: problem === null && ca > CA_WARNING_DAYS && issuer > CA_WARNING_DAYS && certificate > 0,
      store: {
        writable: problem === null,
        ...(problem === null ? {} : { problem }),
        migration: store.migration,
      },
      ca: { daysLeft: ca },
      issuer: { daysLeft: issuer },
      certificate: { daysLeft: certificate },
      agents: hub.connections().length,
    };
  }

  async #storeProblem(): Promise<string | null> {
    const now = this.#context.clock.mono();
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      this.#problem = this.#context.store.problem();
    }
    return await this.#problem;
  }
}
