import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { WebSocket } from "ws";
import type { FrameBudget } from "./frame-budget.ts";
import { INBOX_BYTES, INBOX_FRAMES, INBOX_PAUSE } from "./limits.ts";

/** Frames of one connection, handled one after the other within its budget; a sender that is faster is not read. */
export class Inbox {
  readonly #socket: Pick<WebSocket, "pause" | "resume">;
  readonly #clock: Clock;
  readonly #budget: FrameBudget;
  readonly #handle: (frame: string) => Promise<void>;
  readonly #waiting: string[] = [];
  #bytes = 0;
  #handling = false;

  constructor(
    socket: Pick<WebSocket, "pause" | "resume">,
    clock: Clock,
    budget: FrameBudget,
    handle: (frame: string) => Promise<void>,
  ) {
    this.#socket = socket;
    this.#clock = clock;
    this.#budget = budget;
    this.#handle = handle;
  }

  /** False when the frame is one too many. */
  add(frame: string): boolean {
    if (this.#waiting.length >= INBOX_FRAMES || this.#bytes + frame.length > INBOX_BYTES) return false;
    this.#waiting.push(frame);
    this.#bytes += frame.length;
    if (this.#waiting.length >= INBOX_PAUSE) this.#socket.pause();
    if (!this.#handling) void this.#drain();
    return true;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }

  async #drain(): Promise<void> {
    this.#handling = true;
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      this.#bytes -= frame.length;
      if (this.#waiting.length < INBOX_PAUSE) this.#socket.resume();
      const wait = this.#budget.take(1);
      if (wait > 0) await this.#clock.sleep(wait);
      await this.#handle(frame);
    }
    this.#handling = false;
  }
}
