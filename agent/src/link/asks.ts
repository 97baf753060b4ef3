import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Answer } from "@fettle/shared/protocol/answer.ts";
import { ASK_DEADLINE_MS, type Ask } from "@fettle/shared/protocol/ask.ts";
import { MAX_FRAME_BYTES } from "@fettle/shared/protocol/envelope.ts";
import { within } from "./deadline.ts";
import { sizeOf } from "./fit-report.ts";
import type { LinkParts } from "./parts.ts";

const MAX_ANSWER_BYTES = MAX_FRAME_BYTES - 4096;
const MAX_REASON = 2000;

/** Answers the coordinator's questions: one at a time per kind, each with a deadline. */
export class Asks {
  readonly #parts: Pick<LinkParts, "onAsk" | "clock">;
  readonly #running = new Set<Ask["kind"]>();

  constructor(parts: Pick<LinkParts, "onAsk" | "clock">) {
    this.#parts = parts;
  }

  /** Never rejects: what goes wrong is the answer. */
  async answer(ask: Ask, signal: AbortSignal): Promise<Answer> {
    const { id, kind } = ask;
    if (this.#running.has(kind)) return refused(id, new FettleError("link.ask-busy", { kind }));
    this.#running.add(kind);
    try {
      const result = await this.#ask(ask, signal);
      const answer = { id, result };
      return sizeOf(answer) > MAX_ANSWER_BYTES
        ? refused(id, new FettleError("link.answer-too-large", { kind }))
        : answer;
    } catch (error) {
      return refused(id, ownError(error, kind));
    } finally {
      this.#running.delete(kind);
    }
  }

  async #ask(ask: Ask, signal: AbortSignal): Promise<unknown> {
    const deadline = new AbortController();
    const both = AbortSignal.any([signal, deadline.signal]);
    try {
      return await within(this.#parts.clock, ASK_DEADLINE_MS, ask.kind, this.#parts.onAsk(ask, both), signal);
    } finally {
      deadline.abort(new FettleError("link.ask-timeout", { kind: ask.kind, seconds: ASK_DEADLINE_MS / 1000 }));
    }
  }
}

function ownError(error: unknown, kind: string): FettleError {
  if (!(error instanceof FettleError)) return new FettleError("link.ask-failed", { kind, problem: messageOf(error) });
  if (error.code !== "link.timeout") return error;
  return new FettleError("link.ask-timeout", { kind, seconds: ASK_DEADLINE_MS / 1000 });
}

function refused(id: string, error: FettleError): Answer {
  return { id, code: error.code, reason: error.message.slice(0, MAX_REASON), result: null };
}
