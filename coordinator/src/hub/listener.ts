import { constants } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { LINK_PATH } from "@fettle/shared/api/enrol.ts";
import type { ErrorAnswer } from "@fettle/shared/api/error.ts";
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
}

const WAIT_MS = 10_000;

/** The agents' port: TLS 1.3 with a client certificate of our CA, and the WebSocket's upgrade. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    const waits = { handshakeTimeout: WAIT_MS, headersTimeout: WAIT_MS, requestTimeout: WAIT_MS };
    this.#server = createServer({ ...tlsOptions(parts.tls), ...waits, maxHeaderSize: 8192 }, (_, response) => {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify(answerOf(new FettleError("api.not-found", { what: "such page on this port" }))));
    });
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

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      if (request.url !== LINK_PATH) throw new FettleError("api.not-found", { what: "such page on this port" });
      const enter = await this.#parts.admit(shownBy(socket));
      this.#sockets.handleUpgrade(request, socket, head, enter);
    } catch (error) {
      refuse(socket, error instanceof FettleError ? error : new FettleError("link.not-stored", {}, { cause: error }));
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
  const fingerprint = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
  return { fingerprint, commonName: certificate.subject.replace(/^CN=/, "") };
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

function answerOf(error: FettleError): ErrorAnswer {
  const { code, message, remedy, retryable } = error;
  return { error: { code, message, remedy, retryable } };
}
