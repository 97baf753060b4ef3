import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { decode, encode } from "@fettle/shared/protocol/codec.ts";
import { type DownMessage, down } from "@fettle/shared/protocol/down.ts";
import type { UpBody, UpType } from "@fettle/shared/protocol/up.ts";
import type { RawData, WebSocket } from "ws";

/** Frames waiting to be handled; beyond it the socket is not read, so the peer has to wait. */
const MAX_WAITING = 32;

/** Messages over one WebSocket, in order, one handled at a time. */
export class Channel {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #waiting: DownMessage[] = [];
  #wake: (() => void) | null = null;
  #ended: FettleError | null = null;
  #count = 0;
  /** Monotonic ms of the last frame of any kind. */
  heardAt: number;
  /** Frames of a type that this agent does not know. */
  unknown = 0;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.heardAt = clock.mono();
    socket.on("message", (data, binary) => this.#take(data, binary));
    socket.on("close", (code) => this.#end(new FettleError("link.closed", { problem: `code ${code}` })));
    socket.on("error", (error) => this.#end(new FettleError("link.closed", { problem: messageOf(error) })));
  }

  send<T extends UpType>(type: T, body: UpBody<T>): void {
    this.#count += 1;
    if (this.#ended === null) this.#socket.send(encode(type, String(this.#count), body), () => {});
  }

  /** Bytes that the peer has not taken yet. */
  get backlog(): number {
    return this.#socket.bufferedAmount;
  }

  /** The next message. Throws `link.closed` after the last one, `link.bad-frame` for one that cannot be read. */
  async next(signal: AbortSignal): Promise<DownMessage> {
    for (;;) {
      signal.throwIfAborted();
      const message = this.#waiting.shift();
      if (this.#waiting.length < MAX_WAITING / 2) this.#socket.resume();
      if (message !== undefined) return message;
      if (this.#ended !== null) throw this.#ended;
      await this.#news(signal);
    }
  }

  /** Says goodbye for at most `ms`, then cuts. */
  async close(ms: number): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.close(1000);
    await Promise.race([closed, this.#clock.sleep(ms)]);
    this.#socket.terminate();
  }

  #take(data: RawData, binary: boolean): void {
    if (this.#ended !== null) return;
    this.heardAt = this.#clock.mono();
    try {
      if (binary) throw new FettleError("link.bad-frame", { problem: "not a text frame" });
      const message = decode(down, textOf(data));
      if (message === null) this.unknown += 1;
      else this.#waiting.push(message as DownMessage);
    } catch (error) {
      this.#end(
        error instanceof FettleError ? error : new FettleError("link.bad-frame", { problem: messageOf(error) }),
      );
    }
    if (this.#waiting.length >= MAX_WAITING) this.#socket.pause();
    this.#wake?.();
  }

  #end(error: FettleError): void {
    this.#ended ??= error;
    this.#wake?.();
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        this.#wake = null;
        resolve();
      };
      signal.addEventListener("abort", done);
      this.#wake = done;
    });
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.from(data).toString("utf8");
}
