import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { Ask } from "@fettle/shared/protocol/ask.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
/** A question as the caller states it; the hub gives it its id. */
export type Question = WithoutId<Ask>;

/** A node's live connection. */
export interface Connection {
  readonly node: string;
  readonly stack: string;
  /** Wall clock of its hello. */
  readonly since: number;
  /** Wall clock of its last frame of any kind; one that is silent for 60 s is cut. */
  readonly seenAt: number;
  readonly version: string;
  readonly capabilities: readonly string[];
}

export interface Hub extends Service {
  /**
   * Sends the desired state, unless this connection was sent exactly the same already; so it may be called at every
   * pass. False when the node is not connected.
   */
  send(node: string, desired: Desired): boolean;
  /**
   * The result of the agent's answer, not validated further. Throws `link.not-connected`, `link.ask-timeout` (30 s),
   * `link.ask-busy` (one at a time per kind) or `link.ask-refused` (the agent's own code and reason in its arguments).
   */
  ask(node: string, question: Question, signal?: AbortSignal): Promise<unknown>;
  connected(node: string): boolean;
  connection(node: string): Connection | undefined;
  connections(): Connection[];
  /** Says `bye` with the code and closes. */
  cut(node: string, code: Code): void;
}
