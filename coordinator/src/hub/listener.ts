import { constants } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { LINK_PATH } from "@fettle/shared/api/enrol.ts";
import type { ErrorAnswer } from "@fettle/shared/api/error.ts";
import { fingerprintOf, keyHash } from "@fettle/shared/lib/certificates.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { MAX_FRAME_BYTES } from "@fettle/shared/protocol/envelope.ts";
import { type WebSocket, WebSocketServer } from "ws";
import type { ShownCertificate } from "./peer.ts";

/** The coordinator's certificate and the CA whose clients may come in. */
export interface ListenerTls {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

export interface ListenerParts {
  readonly address: { readonly host: string; readonly port: number };
  readonly tls: ListenerTls;
  /** Decides about one upgrade by its certificate; throws a FettleError to refuse it. */
  readonly admit: (certificate: ShownCertificate) => Promise<(socket: WebSocket) => void>;
  /** Answers a request that is no upgrade; throws a FettleError to refuse it. */
  readonly serve: (certificate: ShownCertificate, request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

const WAIT_MS = 10_000;

/** The agents' port: TLS 1.3 with a client certificate of our CA, and the WebSocket's upgrade. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    const limits = { handshakeTimeout: WAIT_MS, headersTimeout: WAIT_MS, requestTimeout: WAIT_MS, maxHeaderSize: 8192 };
    const options = { ...tlsOptions(parts.tls), ...limits };
    this.#server = createServer(options, (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  /** Throws `coordinator.cannot-listen`. */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#parts.address;
    try {
      this.#server.listen(port, host);
      await once(this.#server, "listening");
    } catch (error) {
      throw new FettleError(
        "coordinator.cannot-listen",
        { address: `${host}:${port}`, problem: messageOf(error) },
        { cause: error },
      );
    }
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("impossible: no TCP address");
    return address;
  }

  /** New connections see the new certificate; those there are stay. */
  renew(tls: ListenerTls): void {
    this.#server.setSecureContext(tlsOptions(tls));
  }

  /** Resolves when the last connection is closed. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#parts.serve(shownBy(request.socket), request, response);
    } catch (error) {
      const known = codedOf(error);
      // An answer that was begun cannot be taken back: the connection's end says that it is not whole.
      if (response.headersSent) return void response.destroy();
      response.writeHead(known.status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(answerOf(known)));
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      if (request.url !== LINK_PATH) throw new FettleError("api.not-found", { what: "such page on this port" });
      const enter = await this.#parts.admit(shownBy(socket));
      this.#sockets.handleUpgrade(request, socket, head, enter);
    } catch (error) {
      refuse(socket, codedOf(error));
    }
  }
}

function tlsOptions({ certificate, key, ca }: ListenerTls) {
  return {
    cert: certificate,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
    // A resumed session would skip the look at the certificate.
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

function shownBy(socket: Duplex): ShownCertificate {
  const certificate = socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) throw new FettleError("identity.no-certificate");
  const [notBefore, notAfter] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  const commonName = certificate.subject.replace(/^CN=/, "");
  return {
    fingerprint: fingerprintOf(certificate),
    commonName,
    made: { notBefore, notAfter, keyHash: keyHash(certificate.publicKey, "hex") },
  };
}

function refuse(socket: Duplex, error: FettleError): void {
  const body = JSON.stringify(answerOf(error));
  const head = [
    `HTTP/1.1 ${error.status} Refused`,
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function codedOf(error: unknown): FettleError {
  return error instanceof FettleError ? error : new FettleError("link.not-stored", {}, { cause: error });
}

function answerOf(error: FettleError): ErrorAnswer {
  const { code, message, remedy, retryable } = error;
  return { error: { code, message, remedy, retryable } };
}
