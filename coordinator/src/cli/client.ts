import { errorAnswer } from "@fettle/shared/api/error.ts";
import type { Answer, CallInput, RouteContract } from "@fettle/shared/api/route.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import type { Target } from "./env.ts";
import { bodyOf, type FileBody, send } from "./transport.ts";

/** What the coordinator answered instead of doing it. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly code: string;
  readonly remedy: string;
  readonly details: unknown;

  constructor(error: { code: string; message: string; remedy: string; details?: unknown }) {
    super(error.message);
    this.code = error.code;
    this.remedy = error.remedy;
    this.details = error.details;
  }
}

type Loose = { params?: Record<string, string>; query?: Record<string, unknown>; body?: unknown };

/** The operator's API, typed by its contracts. The target is read at the first call, so that offline commands need none. Every text that comes back is made printable first. */
export class Client {
  readonly #target: () => Target;
  readonly #signal: AbortSignal;

  constructor(target: () => Target, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  /** Throws RemoteError for what the coordinator refused, FettleError `cli.*` for what did not get through. */
  async call<C extends RouteContract>(contract: C, input: CallInput<C>): Promise<Answer<C>> {
    const { method } = contract;
    const { body } = input as Loose;
    const asked = { method, path: pathOf(contract, input as Loose), signal: this.#signal };
    const response = await send(this.#target(), body === undefined ? asked : { ...asked, body: JSON.stringify(body) });
    const text = await bodyOf(response);
    return checked(contract, response.statusCode ?? 0, text) as Answer<C>;
  }

  /** As `call`, with a file as the body. */
  async upload<C extends RouteContract>(contract: C, input: CallInput<C>, file: FileBody): Promise<Answer<C>> {
    const asked = { method: contract.method, path: pathOf(contract, input as Loose), file, signal: this.#signal };
    const response = await send(this.#target(), asked);
    return checked(contract, response.statusCode ?? 0, await bodyOf(response)) as Answer<C>;
  }

  /** Each event of a stream until it ends; the caller goes on from the last id. */
  async *stream<C extends RouteContract>(contract: C, input: CallInput<C>): AsyncGenerator<Answer<C>> {
    const asked = { method: contract.method, path: pathOf(contract, input as Loose), signal: this.#signal };
    const response = await send(this.#target(), asked);
    if (response.statusCode !== 200) checked(contract, response.statusCode ?? 0, await bodyOf(response));
    response.setEncoding("utf8");
    let rest = "";
    for await (const piece of response as AsyncIterable<string>) {
      const blocks = (rest + piece).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = block.split("\n").find((line) => line.startsWith("data: "));
        if (data !== undefined) yield checked(contract, 200, data.slice(6)) as Answer<C>;
      }
    }
  }
}

function pathOf(contract: RouteContract, { params = {}, query = {} }: Loose): string {
  const path = contract.path.replace(/:([a-z0-9]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const search = new URLSearchParams(given).toString();
  return search === "" ? path : `${path}?${search}`;
}

function checked(contract: RouteContract, status: number, text: string): unknown {
  const body = parsed(text);
  if (status >= 400) {
    const refused = errorAnswer.safeParse(body);
    if (refused.success) throw new RemoteError(refused.data.error);
    throw new FettleError("cli.bad-answer", { problem: `status ${status}` });
  }
  const answer = contract.answer.safeParse(body);
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  throw new FettleError("cli.bad-answer", { problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}` });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_, value) => (typeof value === "string" ? printable(value) : value));
  } catch (error) {
    throw new FettleError("cli.bad-answer", { problem: messageOf(error) }, { cause: error });
  }
}
