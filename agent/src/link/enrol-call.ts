import { request } from "node:https";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Address } from "./parts.ts";
import { isUntrusted } from "./untrusted.ts";

const DEADLINE_MS = 15_000;
const MAX_BYTES = 64 * 1024;

export interface EnrolCall {
  readonly path: string;
  /** Sent as JSON with POST; without it the call is a GET. */
  readonly body?: unknown;
  /** Whom to believe; null trusts anybody, for what is checked by its hash afterwards. Nothing secret goes with null. */
  readonly trust: { readonly ca: string; readonly coordinatorName: string } | null;
}

export interface EnrolReply {
  readonly status: number;
  readonly body: unknown;
}

/** One HTTPS call on the operators' listener. Throws `identity.coordinator-unreachable`,
 * `identity.ca-mismatch` or `identity.bad-answer`. */
export async function enrolCall(address: Address, call: EnrolCall): Promise<EnrolReply> {
  const coordinator = `${address.host}:${address.apiPort}`;
  const { status, text } = await exchange(address, call).catch((cause: Error & { code?: string }) => {
    const problem = cause.code ?? messageOf(cause);
    if (isUntrusted(problem)) throw new FettleError("identity.ca-mismatch", { coordinator }, { cause });
    throw new FettleError(
      "identity.coordinator-unreachable",
      { coordinator, port: address.apiPort, problem },
      { cause },
    );
  });
  try {
    return { status, body: JSON.parse(text) };
  } catch (cause) {
    throw new FettleError("identity.bad-answer", { coordinator, problem: `HTTP ${status} without JSON` }, { cause });
  }
}

function exchange({ host, apiPort }: Address, call: EnrolCall): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  const { trust } = call;
  const outgoing = request({
    host: host.replace(/^\[|\]$/g, ""),
    port: apiPort,
    path: call.path,
    method: body === null ? "GET" : "POST",
    headers: body === null ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    minVersion: "TLSv1.3",
    agent: false,
    signal: AbortSignal.timeout(DEADLINE_MS),
    ...(trust === null
      ? { rejectUnauthorized: false }
      : { rejectUnauthorized: true, ca: trust.ca, servername: trust.coordinatorName }),
  });
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BYTES) outgoing.destroy(new Error(`an answer of more than ${MAX_BYTES} bytes`));
      else chunks.push(chunk);
    });
    response.on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
    );
  });
  outgoing.end(body ?? undefined);
  return promise;
}
