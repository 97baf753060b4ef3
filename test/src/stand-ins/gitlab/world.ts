import type { ChatLog } from "./chat-log.ts";
import type { FaultBox } from "./faults.ts";
import type { RequestLog } from "./request-log.ts";
import type { Signer } from "./signer.ts";
import type { State, Token, User } from "./state.ts";
import type { Store } from "./store.ts";

/** What every part of one running GitLab shares. */
export interface World {
  home: string;
  /** The address users type, without a trailing slash: `https://gitlab.example.com:8443`. */
  url: string;
  store: Store;
  faults: FaultBox;
  requests: RequestLog;
  signer: Signer;
  chat: ChatLog;
  now(): number;
}

/** Who is asking. */
export interface Caller {
  userId: string;
  user: User;
  tokenId: string;
  token: Token;
}

/** One GraphQL operation's context. */
export interface Call {
  world: World;
  caller: Caller | null;
}

export function stateOf(call: Call): State {
  return call.world.store.state;
}

/** Today in UTC, as in 2026-05-01. */
export function today(world: Pick<World, "now">): string {
  return new Date(world.now()).toISOString().slice(0, 10);
}

export function nowIso(world: Pick<World, "now">): string {
  return new Date(world.now()).toISOString();
}
