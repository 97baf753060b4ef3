import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { unreachable } from "@fettle/shared/lib/must.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { DownMessage } from "@fettle/shared/protocol/down.ts";
import { OLDEST_PROTOCOL, PROTOCOL, speaksWith } from "@fettle/shared/protocol/version.ts";
import type { Welcome } from "@fettle/shared/protocol/welcome.ts";
import { Asks } from "./asks.ts";
import type { Channel } from "./channel.ts";
import { within } from "./deadline.ts";
import { ComeBackLater } from "./dial.ts";
import { judgeDesired, passFence } from "./fence.ts";
import type { Outbox } from "./outbox.ts";
import type { LinkParts } from "./parts.ts";

const WELCOME_MS = 10_000;
/** For putting a fence or a desired state on disk. */
const STORE_MS = 30_000;
/** Silent for so many pings: the connection is dead, whatever the kernel says of it. */
const DEAD_AFTER_PINGS = 3;
const PING_LIMITS = { min: 1_000, max: 60_000 };

export interface Welcomed {
  readonly welcome: Welcome;
  readonly clockOffsetMs: number;
}

/** One connection from hello to its end. */
export class Session {
  readonly #parts: LinkParts;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #asks: Asks;
  readonly #answering = new Set<Promise<void>>();

  constructor(parts: LinkParts, channel: Channel, outbox: Outbox) {
    this.#parts = parts;
    this.#channel = channel;
    this.#outbox = outbox;
    this.#asks = new Asks(parts);
  }

  /**
   * Says hello and serves until something ends it: always throws why (a FettleError, ComeBackLater, or the signal's
   * reason), and then everything it started has ended.
   */
  async run(onWelcome: (welcomed: Welcomed) => void, signal: AbortSignal): Promise<never> {
    const { clock } = this.#parts;
    const sent = this.#outbox.report();
    const helloAt = clock.mono();
    const times = { wallMs: clock.now(), monoMs: helloAt };
    this.#channel.send("hello", { ...this.#parts.introduce(), ...times, report: sent });
    const first = this.#channel.next(signal);
    const welcome = this.#welcomeOf(await within(clock, WELCOME_MS, "welcome", first, signal));
    const clockOffsetMs = Math.round(clock.now() - (welcome.wallMs + (clock.mono() - helloAt) / 2));
    const fence = passFence(this.#parts.desired.fence(), welcome);
    if (fence !== null)
      await within(clock, STORE_MS, "the fence on disk", this.#parts.desired.raiseFence(fence), signal);
    if (this.#parts.onLetIn !== undefined)
      await within(clock, STORE_MS, "the identity on disk", this.#parts.onLetIn(), signal);
    onWelcome({ welcome, clockOffsetMs });
    const pingMs = Math.min(Math.max(welcome.pingMs, PING_LIMITS.min), PING_LIMITS.max);
    return await this.#together(signal, (both) => [
      this.#receive(both),
      this.#ping(pingMs, both),
      this.#watch(pingMs * DEAD_AFTER_PINGS, both),
      this.#outbox.run(this.#channel, sent, both),
    ]);
  }

  /** Runs the tasks until the first one fails, ends the others, and throws that failure. */
  async #together(signal: AbortSignal, start: (both: AbortSignal) => Promise<unknown>[]): Promise<never> {
    const end = new AbortController();
    const tasks = start(AbortSignal.any([signal, end.signal]));
    try {
      await Promise.all(tasks);
      throw new FettleError("link.closed", { problem: "the session ended" });
    } finally {
      end.abort(new FettleError("link.closed", { problem: "the session ended" }));
      await Promise.allSettled([...tasks, ...this.#answering]);
    }
  }

  #welcomeOf(message: DownMessage): Welcome {
    if (message.type === "welcome") return checked(message.body);
    if (message.type === "retryAfter") throw new ComeBackLater(message.body.ms);
    if (message.type === "bye") throw this.#farewell(message.body);
    throw new FettleError("link.bad-frame", { problem: `${message.type} before welcome` });
  }

  async #receive(signal: AbortSignal): Promise<never> {
    for (;;) await this.#handle(await this.#channel.next(signal), signal);
  }

  async #handle(message: DownMessage, signal: AbortSignal): Promise<void> {
    switch (message.type) {
      case "desired":
        return await this.#take(message.body, signal);
      case "ask":
        return this.#answer(message.body, signal);
      case "ack":
        return this.#outbox.onAck(message.body.ids);
      case "logAck":
        return this.#outbox.onLogAck(message.body.runId, message.body.seq);
      case "retryAfter":
        throw new ComeBackLater(message.body.ms);
      case "bye":
        throw this.#farewell(message.body);
      case "ping":
        return;
      case "welcome":
        throw new FettleError("link.bad-frame", { problem: "a second welcome" });
      default:
        return unreachable(message);
    }
  }

  async #take(desired: Desired, signal: AbortSignal): Promise<void> {
    const { desired: store, log, clock, onDesired } = this.#parts;
    const refusal = judgeDesired(store.current(), desired, store.fence());
    const { epoch, generation } = desired;
    if (refusal !== null) {
      log.warn({ code: refusal.code, epoch, generation }, "a desired state was not taken");
      return;
    }
    await within(clock, STORE_MS, "the desired state on disk", onDesired(desired), signal);
    log.info({ epoch, generation }, "a desired state came");
  }

  /** Questions do not hold up what comes after them. */
  #answer(ask: Extract<DownMessage, { type: "ask" }>["body"], signal: AbortSignal): void {
    const answering = this.#asks.answer(ask, signal).then((answer) => this.#channel.send("answer", answer));
    this.#answering.add(answering);
    answering
      .finally(() => this.#answering.delete(answering))
      .catch((error: unknown) => {
        this.#parts.log.error({ problem: messageOf(error) }, "an answer could not be sent");
      });
  }

  #farewell({ code, reason }: { code: string; reason?: string | undefined }): FettleError {
    this.#parts.onBye?.(code, reason ?? code);
    return new FettleError("link.closed", { problem: reason === undefined ? code : `${code}: ${reason}` });
  }

  async #ping(everyMs: number, signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#parts.clock.sleep(everyMs, signal);
      this.#channel.send("ping", { at: this.#parts.clock.now() });
    }
  }

  /** The dead man's switch: ends the session when nothing at all is heard. */
  async #watch(deadMs: number, signal: AbortSignal): Promise<never> {
    const { clock } = this.#parts;
    for (;;) {
      const left = this.#channel.heardAt + deadMs - clock.mono();
      if (left <= 0) throw new FettleError("link.silent", { seconds: Math.round(deadMs / 1000) });
      await clock.sleep(left, signal);
    }
  }
}

/** A coordinator that says nothing of it is one of protocol 1. */
function checked(welcome: Welcome): Welcome {
  const { protocol: found = 1 } = welcome;
  if (speaksWith(found)) return welcome;
  const older = found < PROTOCOL ? "the coordinator" : "this agent";
  throw new FettleError("link.protocol", { peer: "coordinator", found, own: PROTOCOL, oldest: OLDEST_PROTOCOL, older });
}
