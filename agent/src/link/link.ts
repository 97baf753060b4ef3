import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { Channel } from "./channel.ts";
import { ComeBackLater, dial } from "./dial.ts";
import { Outbox } from "./outbox.ts";
import type { Address, LinkParts } from "./parts.ts";
import { Session } from "./session.ts";
import type { LinkStatus } from "./status.ts";

const BACKOFF = { firstMs: 1_000, capMs: 60_000 };
/** A link that held for so long was a good one: the next delay is short again. */
const STABLE_MS = 60_000;
const CLOSE_MS = 1_000;
/** From so many failures in a row on, each is a warning. */
const LOUD_AFTER = 5;

/**
 * The agent's one connection: a supervised loop that dials, serves and dials again, for ever. A refusal changes
 * nothing but the delay: it never means to enrol again.
 */
export class Link implements Service {
  readonly id = "link";
  readonly #parts: LinkParts;
  readonly #outbox: Outbox;
  #status: LinkStatus;
  #channel: Channel | null = null;
  #contactAt: number;
  /** Ends what goes on now, a wait or a connection. */
  #again: AbortController = new AbortController();
  /** Monotonic ms of the present or last connection's welcome. */
  #welcomedAt: number | null = null;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#outbox = new Outbox(parts);
    this.#contactAt = parts.clock.mono();
    const since = parts.clock.now();
    this.#status = { state: "waiting", coordinator: null, since, heardAt: null, problem: null, clockOffsetMs: null };
  }

  /** Something in the report may be different; it is read and sent within a second. */
  reportChanged(): void {
    this.#outbox.reportChanged();
  }

  /** A run, an audit record or a log chunk was journalled. */
  recordsChanged(): void {
    this.#outbox.recordsChanged();
  }

  status(): LinkStatus {
    return { ...this.#status, heardAt: this.#heardWall() };
  }

  /** Connects again at once, with the identity that is there then. */
  reconnect(): void {
    this.#again.abort(new FettleError("link.closed", { problem: "to show another certificate" }));
  }

  /** Ms since the coordinator was last heard of, or since this process began. */
  awayMs(): number {
    return this.#parts.clock.mono() - (this.#heardAt() ?? this.#contactAt);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, coordinators } = this.#parts;
    let tries = 0;
    let delayMs = backoffMs(1, () => clock.random(), BACKOFF);
    for (let turn = 0; ; ) {
      await clock.sleep(delayMs, AbortSignal.any([signal, this.#again.signal])).catch(() => {});
      if (signal.aborted) return;
      const address = must(coordinators[turn % coordinators.length], "a coordinator's address");
      this.#again = new AbortController();
      const again = this.#again.signal;
      const { problem, heldMs } = await this.#attempt(address, AbortSignal.any([signal, again]));
      if (signal.aborted) return;
      if (again.aborted) {
        delayMs = 0;
        continue;
      }
      const stable = heldMs >= STABLE_MS;
      tries = stable ? 0 : tries + 1;
      if (!stable) turn += 1;
      // It grows by rounds: whoever of several is there is found as soon as a single one would be.
      const isRoundOver = tries % coordinators.length === 0;
      const failures = 1 + Math.floor(tries / coordinators.length);
      delayMs = this.#delay(problem, isRoundOver ? failures : 1);
      this.#report(problem, failures, delayMs);
    }
  }

  /** One connection from dial to end. Never throws. */
  async #attempt(address: Address, signal: AbortSignal): Promise<{ problem: unknown; heldMs: number }> {
    this.#welcomedAt = null;
    const problem = await this.#serve(address, signal).catch((error: unknown) => error);
    const heldMs = this.#welcomedAt === null ? 0 : this.#parts.clock.mono() - this.#welcomedAt;
    return { problem, heldMs };
  }

  async #serve(address: Address, signal: AbortSignal): Promise<never> {
    const identity = await this.#identity();
    const target = { host: address.host, port: address.port ?? identity.agentPort };
    this.#set({ state: "connecting", coordinator: `${target.host}:${target.port}` });
    const channel = new Channel(await dial(target, identity, signal), this.#parts.clock);
    this.#channel = channel;
    try {
      const session = new Session(this.#parts, channel, this.#outbox);
      return await session.run(({ clockOffsetMs }) => this.#connected(clockOffsetMs), signal);
    } finally {
      this.#lost();
      await channel.close(CLOSE_MS);
    }
  }

  #connected(clockOffsetMs: number): void {
    this.#welcomedAt = this.#parts.clock.mono();
    this.#set({ state: "connected", clockOffsetMs, problem: null });
    this.#parts.log.info({ coordinator: this.#status.coordinator, clockOffsetMs }, "connected");
  }

  #lost(): void {
    this.#contactAt = this.#heardAt() ?? this.#contactAt;
    this.#status = this.status();
    this.#channel = null;
  }

  /** Monotonic ms of the last frame of a coordinator that passed the fence, on the present connection. */
  #heardAt(): number | null {
    return this.#welcomedAt === null ? null : (this.#channel?.heardAt ?? null);
  }

  async #identity() {
    const identity = await this.#parts.identity();
    if (identity === null) throw new FettleError("identity.absent");
    return identity;
  }

  #delay(problem: unknown, failures: number): number {
    const { clock } = this.#parts;
    const own = backoffMs(failures, () => clock.random(), BACKOFF);
    if (!(problem instanceof ComeBackLater)) return own;
    // Many agents are told the same; they come back spread over a tenth more.
    return Math.max(own, Math.round(problem.ms * (1 + clock.random() / 10)));
  }

  #report(problem: unknown, failures: number, delayMs: number): void {
    const error =
      problem instanceof FettleError ? problem : new FettleError("link.closed", { problem: messageOf(problem) });
    this.#set({ state: "waiting", problem: error });
    const fields = { code: error.code, problem: error.message, failures, delayMs };
    this.#parts.log[failures > LOUD_AFTER ? "warn" : "info"](fields, "not connected");
  }

  #set(change: Partial<LinkStatus>): void {
    const moved = change.state !== undefined && change.state !== this.#status.state;
    this.#status = { ...this.#status, ...change, ...(moved ? { since: this.#parts.clock.now() } : {}) };
    if (moved) this.#parts.onStatus?.();
  }

  #heardWall(): number | null {
    const heardAt = this.#heardAt();
    const { clock } = this.#parts;
    return heardAt === null ? this.#status.heardAt : Math.round(clock.now() - (clock.mono() - heardAt));
  }
}
