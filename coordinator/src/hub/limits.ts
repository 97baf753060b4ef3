import { ASK_DEADLINE_MS } from "@fettle/shared/protocol/ask.ts";
import { PING_MS, STALE_MS } from "@fettle/shared/protocol/envelope.ts";

/** What one connection may do and how long the hub waits. */
export interface Limits {
  readonly helloMs: number;
  readonly pingMs: number;
  readonly staleMs: number;
  readonly askMs: number;
  /** How long an ended connection may take to close. */
  readonly closeMs: number;
  readonly framesPerSecond: number;
  /** Frames that may come at once before the rate counts. */
  readonly burst: number;
}

export const LIMITS: Limits = {
  helloMs: 10_000,
  pingMs: PING_MS,
  staleMs: STALE_MS,
  askMs: ASK_DEADLINE_MS,
  closeMs: 2_000,
  framesPerSecond: 20,
  burst: 60,
};

/** Above this many waiting frames the socket is not read further, so that the sender's own network slows it down. */
export const INBOX_PAUSE = 16;
/** What can still arrive after that is what was read already; more than this is a flood. */
export const INBOX_FRAMES = 4096;
export const INBOX_BYTES = 4 * 1024 * 1024;
/** An agent that leaves this much unread is not reading. */
export const OUTBOX_BYTES = 4 * 1024 * 1024;
