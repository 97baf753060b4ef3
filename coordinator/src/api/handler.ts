import type { Answer, Body, Params, Query, RouteContract } from "@fettle/shared/api/route.ts";
import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { Principal } from "./principal.ts";

/** One request, checked against its contract and its caller's role. */
export interface Call<C extends RouteContract> {
  readonly context: Context;
  readonly principal: Principal;
  readonly params: Params<C>;
  readonly query: Query<C>;
  readonly body: Body<C>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What the audit keeps of a request that steers. */
export interface Audited {
  readonly stack: string;
  readonly what: string;
}

export interface Handler {
  readonly contract: RouteContract;
  answer(call: Call<RouteContract>): Promise<unknown>;
  /** What was asked; null for one that only reads. */
  readonly audit: ((call: Call<RouteContract>, answer: unknown) => Audited) | null;
}

/** A route that only reads. */
export function reads<C extends RouteContract>(contract: C, answer: (call: Call<C>) => Promise<Answer<C>>): Handler {
  return { contract, answer: answer as Handler["answer"], audit: null };
}

/** A route that steers; `audit` says what was asked, in words. */
export function steers<C extends RouteContract>(
  contract: C,
  audit: (call: Call<C>, answer: Answer<C>) => Audited,
  answer: (call: Call<C>) => Promise<Answer<C>>,
): Handler {
  return { contract, answer: answer as Handler["answer"], audit: audit as NonNullable<Handler["audit"]> };
}

/** A route that writes its own answer, piece by piece. */
export function streams<C extends RouteContract>(contract: C, answer: (call: Call<C>) => Promise<void>): Handler {
  return { contract, answer: answer as Handler["answer"], audit: null };
}

/** An error whose answer says more, as in the problems of a stack file. */
export class DetailedError extends FettleError {
  readonly details: unknown;

  constructor(code: Code, args: CodeArgs, details: unknown) {
    super(code, args);
    this.details = details;
  }
}
