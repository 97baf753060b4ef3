import type { IncomingMessage } from "node:http";
import { LINK_PATH } from "@fettle/shared/api/enrol.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { MAX_FRAME_BYTES } from "@fettle/shared/protocol/envelope.ts";
import { WebSocket } from "ws";
import type { Identity } from "../store/identity.ts";
import { isUntrusted } from "./untrusted.ts";

/** For name look-up, connection, TLS and the upgrade together. */
export const DIAL_MS = 15_000;
const MAX_RETRY_AFTER_S = 3600;

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** The coordinator asked to come back later, in ms. */
export class ComeBackLater extends Error {
  readonly ms: number;

  constructor(ms: number) {
    super(`the coordinator asks to come back in ${ms} ms`);
    this.ms = ms;
  }
}

/**
 * Opens the WebSocket with this machine's certificate. Whatever the address is, the peer must show a certificate of our
 * CA for the coordinator's fixed name; nothing can turn that off. Throws `link.unreachable`, `link.untrusted`,
 * `link.refused` or ComeBackLater.
 */
export function dial(address: Target, identity: Identity, signal: AbortSignal): Promise<WebSocket> {
  const coordinator = `${address.host}:${address.port}`;
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const socket = new WebSocket(`wss://${coordinator}${LINK_PATH}`, {
    ...tlsOptions(identity),
    handshakeTimeout: DIAL_MS,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_FRAME_BYTES,
  });
  const timer = setTimeout(() => fail(unreachable(address, `no answer within ${DIAL_MS / 1000} s`)), DIAL_MS);
  const onAbort = () => fail(signal.reason);
  function done(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
  function fail(error: unknown): void {
    done();
    reject(error);
    socket.terminate();
  }
  signal.addEventListener("abort", onAbort);
  socket.on("error", (error) => fail(problemOf(address, error)));
  socket.on("unexpected-response", (request, response) => {
    fail(refusal(address, response));
    request.destroy();
  });
  socket.on("open", () => {
    done();
    resolve(socket);
  });
  return promise;
}

/** The name that is asked for and checked is the coordinator's own, never the one that was dialled. */
function tlsOptions({ ca, certificate, key, coordinatorName }: Identity) {
  return {
    ca,
    cert: certificate,
    key: key.reveal(),
    servername: coordinatorName,
    minVersion: "TLSv1.3",
    rejectUnauthorized: true,
  } as const;
}

function refusal(address: Target, { statusCode, headers }: IncomingMessage): unknown {
  const status = statusCode ?? 0;
  const seconds = Number(headers["retry-after"]);
  if (status === 429 || status === 503)
    return seconds > 0
      ? new ComeBackLater(Math.min(seconds, MAX_RETRY_AFTER_S) * 1000)
      : unreachable(address, `HTTP ${status}`);
  if (status === 401 || status === 403)
    return new FettleError("link.refused", { coordinator: `${address.host}:${address.port}`, status });
  return unreachable(address, `HTTP ${status} instead of an upgrade`);
}

/** TLS alerts with which the peer refuses our certificate. */
const OUR_CERTIFICATE =
  /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)|ALERT_\w*CERTIFICATE/;

function problemOf(address: Target, error: Error & { code?: string }): FettleError {
  const coordinator = `${address.host}:${address.port}`;
  const code = error.code ?? "";
  const cause = { cause: error };
  if (OUR_CERTIFICATE.test(code))
    return new FettleError("link.refused", { coordinator, status: `TLS: ${code}` }, cause);
  if (isUntrusted(code)) return new FettleError("link.untrusted", { coordinator, problem: code }, cause);
  // A coordinator that does not accept our certificate hangs up after the handshake, and TLS 1.3 does not tell more.
  const hint = code === "ECONNRESET" ? "closed without an answer; perhaps it does not accept this certificate" : null;
  return unreachable(address, hint ?? (code || messageOf(error)), error);
}

function unreachable({ host, port }: Target, problem: string, cause?: unknown): FettleError {
  return new FettleError("link.unreachable", { coordinator: `${host}:${port}`, port, problem }, { cause });
}
