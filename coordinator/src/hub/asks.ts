import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Answer } from "@fettle/shared/protocol/answer.ts";
import type { Ask } from "@fettle/shared/protocol/ask.ts";

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
/** A question as the caller states it; its id is given here. */
export type Question = WithoutId<Ask>;

interface Pending {
  readonly id: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The questions that one connection has under way: one of each kind, each with a deadline. */
export class Asks {
  readonly #send: (ask: Ask) => void;
  readonly #deadlineMs: number;
  readonly #pending = new Map<Ask["kind"], Pending>();
  #count = 0;

  constructor(send: (ask: Ask) => void, deadlineMs: number) {
    this.#send = send;
    this.#deadlineMs = deadlineMs;
  }

  async ask(question: Question, signal?: AbortSignal): Promise<unknown> {
    const { kind } = question;
    signal?.throwIfAborted();
    if (this.#pending.has(kind)) throw new FettleError("link.ask-busy", { kind });
    const id = `ask-${++this.#count}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(kind, { id, resolve, reject });
    const seconds = this.#deadlineMs / 1000;
    const timer = setTimeout(() => reject(new FettleError("link.ask-timeout", { kind, seconds })), this.#deadlineMs);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#send({ ...question, id });
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.#pending.delete(kind);
    }
  }

  /** An answer nobody waits for any more is dropped. */
  answered({ id, code, reason, result }: Answer): void {
    for (const [kind, pending] of this.#pending) {
      if (pending.id !== id) continue;
      if (code === undefined) pending.resolve(result);
      else pending.reject(new FettleError("link.ask-failed", { kind, code, problem: reason ?? code }));
    }
  }

  fail(error: FettleError): void {
    for (const { reject } of this.#pending.values()) reject(error);
  }
}
