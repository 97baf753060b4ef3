import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { decode, encode } from "@fettle/shared/protocol/codec.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { DownBody, DownType } from "@fettle/shared/protocol/down.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import { MAX_REPORT_BYTES } from "@fettle/shared/protocol/report.ts";
import { type UpMessage, up } from "@fettle/shared/protocol/up.ts";
import { OLDEST_PROTOCOL, PROTOCOL, speaksWith } from "@fettle/shared/protocol/version.ts";
import type { Welcome } from "@fettle/shared/protocol/welcome.ts";
import type { RawData, WebSocket } from "ws";
import { Asks, type Question } from "./asks.ts";
import { FrameBudget } from "./frame-budget.ts";
import { givenUpdate } from "./given-update.ts";
import type { HubHandlers } from "./handlers.ts";
import { Inbox } from "./inbox.ts";
import { type Limits, OUTBOX_BYTES } from "./limits.ts";
import type { Peer } from "./peer.ts";
import { stripped } from "./stripped.ts";

export interface SessionParts {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly handlers: HubHandlers;
  /** Lets the session in or throws; what it returns is the welcome. */
  readonly admit: (session: Session, hello: Hello) => Promise<Welcome>;
  readonly onEnd: (session: Session, error: FettleError) => void;
}

type State = "new" | "admitted" | "serving" | "ended";

/** One agent's connection, from the upgrade until it is closed. A fault of its ends it and touches no other. */
export class Session {
  readonly peer: Peer;
  readonly #socket: WebSocket;
  readonly #parts: SessionParts;
  readonly #inbox: Inbox;
  readonly #asks: Asks;
  readonly #helloTimer: NodeJS.Timeout;
  readonly #pingTimer: NodeJS.Timeout;
  readonly #staleTimer: NodeJS.Timeout;
  #state: State = "new";
  #hello: Hello | null = null;
  #since = 0;
  #seenAt: number;
  #frames = 0;
  #ignored = 0;
  #sentDesired = "";
  #givenUpdate: string | null = null;

  constructor(socket: WebSocket, peer: Peer, parts: SessionParts) {
    const { clock, limits } = parts;
    this.peer = peer;
    this.#socket = socket;
    this.#parts = parts;
    this.#seenAt = clock.now();
    const budget = new FrameBudget(clock, limits.framesPerSecond, limits.burst);
    this.#inbox = new Inbox(socket, clock, budget, (frame) => this.#handle(frame));
    this.#asks = new Asks((ask) => this.#send("ask", ask), limits.askMs);
    const late = new FettleError("link.no-hello", { seconds: limits.helloMs / 1000 });
    this.#helloTimer = setTimeout(() => this.end(late), limits.helloMs);
    this.#pingTimer = setInterval(() => this.#beat(), limits.pingMs);
    this.#staleTimer = setTimeout(() => this.#stale(), limits.staleMs);
    socket.on("message", (data, binary) => this.#receive(data, binary));
    socket.on("error", (error) => this.end(wireError(error)));
    socket.on("close", () => this.#ended(new FettleError("link.closed", { problem: "by the agent or the network" })));
  }

  /** The agent's hello; null before it came. */
  get hello(): Hello | null {
    return this.#hello;
  }

  /** Wall clock of its hello. */
  get since(): number {
    return this.#since;
  }

  /** Wall clock of its last frame. */
  get seenAt(): number {
    return this.#seenAt;
  }

  /** Frames of a type that is not known here: the agent is newer. */
  get ignored(): number {
    return this.#ignored;
  }

  get serving(): boolean {
    return this.#state === "serving";
  }

  /** The update that this connection was last given; null for none. */
  get givenUpdate(): string | null {
    return this.#givenUpdate;
  }

  sendDesired(desired: Desired): void {
    const text = JSON.stringify(desired);
    if (text === this.#sentDesired) return;
    this.#sentDesired = text;
    this.#givenUpdate = givenUpdate(desired);
    this.#send("desired", desired);
  }

  async ask(question: Question, signal?: AbortSignal): Promise<unknown> {
    return await this.#asks.ask(question, signal);
  }

  /** Says why and closes. */
  end(error: FettleError): void {
    if (this.#state === "ended") return;
    this.#send("bye", { code: error.code, reason: error.message.slice(0, 500) });
    this.#ended(error);
    this.#socket.close(1008, error.code);
    const timer = setTimeout(() => this.#socket.terminate(), this.#parts.limits.closeMs);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  #ended(error: FettleError): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#helloTimer);
    clearInterval(this.#pingTimer);
    clearTimeout(this.#staleTimer);
    this.#inbox.clear();
    // A paused socket would not notice that the other side is gone.
    this.#socket.resume();
    this.#asks.fail(error);
    this.#parts.onEnd(this, error);
  }

  #beat(): void {
    if (this.#state === "serving") this.#send("ping", { at: this.#parts.clock.now() });
  }

  #stale(): void {
    this.#ended(new FettleError("link.stale", { seconds: this.#parts.limits.staleMs / 1000 }));
    this.#socket.terminate();
  }

  #receive(data: RawData, binary: boolean): void {
    if (this.#state === "ended") return;
    this.#seenAt = this.#parts.clock.now();
    this.#staleTimer.refresh();
    if (binary) this.end(new FettleError("link.bad-frame", { problem: "not text" }));
    else if (!this.#inbox.add(textOf(data))) {
      this.end(new FettleError("link.flood", { perSecond: this.#parts.limits.framesPerSecond }));
    }
  }

  async #handle(frame: string): Promise<void> {
    if (this.#state === "ended") return;
    try {
      const message = decode(up, frame);
      if (message === null) {
        this.#ignored += 1;
        return;
      }
      const clean = stripped(message);
      if (this.#state === "new") await this.#enter(clean);
      else await this.#take(clean, frame.length);
    } catch (error) {
      if (!(error instanceof FettleError)) this.#parts.handlers.onFault(this.peer, error);
      this.end(error instanceof FettleError ? error : new FettleError("link.not-stored", {}, { cause: error }));
    }
  }

  async #enter(message: UpMessage): Promise<void> {
    if (message.type !== "hello") throw new FettleError("link.hello-first", { type: message.type });
    clearTimeout(this.#helloTimer);
    this.#hello = message.body;
    this.#since = this.#parts.clock.now();
    this.#state = "admitted";
    if (!speaksWith(message.body.protocol)) throw wrongProtocol(message.body.protocol);
    const welcome = await this.#parts.admit(this, message.body);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#send("welcome", welcome);
    this.#state = "serving";
    this.#parts.handlers.onConnected(this.peer);
  }

  async #take(message: UpMessage, length: number): Promise<void> {
    const { handlers } = this.#parts;
    switch (message.type) {
      case "report":
        if (length > MAX_REPORT_BYTES) {
          throw new FettleError("link.report-too-large", { bytes: length, limit: MAX_REPORT_BYTES });
        }
        return await handlers.onReport(this.peer, message.body);
      case "metrics":
        return await handlers.onMetrics(this.peer, message.body);
      case "records": {
        await handlers.onRecords(this.peer, message.body);
        const { runs, audit } = message.body;
        return this.#send("ack", { ids: [...runs, ...audit].map(({ id }) => id) });
      }
      case "log": {
        await handlers.onLog(this.peer, message.body);
        return this.#send("logAck", { runId: message.body.runId, seq: message.body.seq });
      }
      case "answer":
        return this.#asks.answered(message.body);
      case "hello":
        throw new FettleError("link.bad-frame", { problem: "a second hello" });
      case "ping":
        return;
    }
  }

  #send<T extends DownType>(type: T, body: DownBody<T>): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > OUTBOX_BYTES) {
      this.#ended(new FettleError("link.slow-reader"));
      this.#socket.terminate();
      return;
    }
    this.#frames += 1;
    this.#socket.send(encode(type, String(this.#frames), body));
  }
}

function wrongProtocol(found: number): FettleError {
  const older = found < PROTOCOL ? "the agent" : "the coordinator";
  return new FettleError("link.protocol", { peer: "agent", found, own: PROTOCOL, oldest: OLDEST_PROTOCOL, older });
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** An error of the WebSocket itself: a frame over the limit, text that is not UTF-8, a broken frame. */
function wireError(error: Error): FettleError {
  return new FettleError("link.bad-frame", { problem: error.message }, { cause: error });
}
