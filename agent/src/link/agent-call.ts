import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Identity } from "../store/identity.ts";
import type { Address } from "./parts.ts";
import { isUntrusted } from "./untrusted.ts";

const HEAD_MS = 15_000;

export interface AgentCall {
  readonly method: "GET" | "HEAD" | "POST";
  /** On the agents' port, as in `/v1/renew`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * One HTTPS request on the agents' port, with this machine's certificate and to nobody but its coordinator. Resolves
 * with the head of the answer, whatever its status; the body is the caller's to read to its end or to destroy. Throws
 * `link.unreachable`, `link.untrusted`, or the signal's reason.
 */
export async function agentCall(address: Address, identity: Identity, call: AgentCall): Promise<IncomingMessage> {
  const port = address.port ?? identity.agentPort;
  const coordinator = `${address.host}:${port}`;
  try {
    return await exchange(address.host, port, identity, call);
  } catch (cause) {
    if (call.signal.aborted) throw call.signal.reason;
    const problem = (cause as NodeJS.ErrnoException).code ?? messageOf(cause);
    if (isUntrusted(problem)) throw new FettleError("link.untrusted", { coordinator, problem }, { cause });
    throw new FettleError("link.unreachable", { coordinator, port, problem }, { cause });
  }
}

function exchange(host: string, port: number, identity: Identity, call: AgentCall): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  const outgoing = request({
    host: host.replace(/^\[|\]$/g, ""),
    port,
    path: call.path,
    method: call.method,
    headers: {
      ...call.headers,
      ...(body === null ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    },
    ca: identity.ca,
    cert: identity.certificate,
    key: identity.key.reveal(),
    servername: identity.coordinatorName,
    minVersion: "TLSv1.3",
    rejectUnauthorized: true,
    agent: false,
    signal: call.signal,
  });
  const late = setTimeout(() => outgoing.destroy(new Error(`no answer within ${HEAD_MS / 1000} s`)), HEAD_MS);
  outgoing.on("error", (error) => {
    clearTimeout(late);
    reject(error);
  });
  outgoing.on("response", (response) => {
    clearTimeout(late);
    resolve(response);
  });
  outgoing.end(body ?? undefined);
  return promise;
}
