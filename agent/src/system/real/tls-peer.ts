import { isIP } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { connect } from "node:tls";
import type { Net, TlsPeer } from "../net.ts";
import { systemError } from "./system-error.ts";
import { trustOf } from "./trust.ts";

type Options = Parameters<Net["tls"]>[2];

/** Completes the handshake whatever the certificate is, because what it says is what was asked; sends nothing. */
export async function lookAtCertificate(host: string, port: number, options: Options): Promise<TlsPeer> {
  const secureContext = await trustOf(options.ca);
  const servername = options.servername ?? (isIP(host) ? undefined : host);
  const socket = connect({ host, port, secureContext, rejectUnauthorized: false, ...(servername && { servername }) });
  try {
    await handshake(socket, options.timeoutMs);
    return describe(socket);
  } finally {
    socket.destroy();
  }
}

function handshake(socket: TLSSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(systemError("ETIMEDOUT", `no handshake in ${timeoutMs} ms`)), timeoutMs);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      finish();
    };
    socket.once("secureConnect", () => settle(resolve));
    socket.on("error", (error) => settle(() => reject(error)));
    socket.once("close", () => settle(() => reject(systemError("ECONNRESET", "closed during the handshake"))));
  });
}

function describe(socket: TLSSocket): TlsPeer {
  const certificate = socket.getPeerCertificate();
  return {
    // Node types it as an Error; it is the code of one.
    problem: socket.authorized ? null : String(socket.authorizationError),
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    expiresAt: Date.parse(certificate.valid_to),
  };
}

function nameOf(name: PeerCertificate["subject"] | undefined): string {
  return Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(", ");
}
