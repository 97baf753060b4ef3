import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { CA_PATH, type CaAnswer, caAnswer } from "@fettle/shared/api/enrol.ts";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { bodyOf, failure } from "./transport.ts";

const PIN = /^sha256\/\/[A-Za-z0-9+/]{43}=$/;

export function isPin(text: string): boolean {
  return PIN.test(text);
}

/** The pin of the key that a server showed, as curl writes it. */
function pinOf(socket: TLSSocket): string {
  const shown = socket.getPeerX509Certificate();
  return shown === undefined ? "none" : `sha256//${keyHash(shown.publicKey, "base64")}`;
}

/** How to know the server: by its own key, or by the CA that made its certificate and the URL's host in it. */
export type Proof = { readonly pin: string } | { readonly ca: string };

/** What the coordinator at the URL says of its CA, asked on a connection that the proof holds for. Throws `cli.*`. */
export async function askForCa(url: URL, proof: Proof, signal: AbortSignal): Promise<CaAnswer> {
  const options = { method: "GET", path: CA_PATH, signal, headers: { accept: "application/json" } };
  const known = "pin" in proof ? { createConnection: connectPinned(url, proof.pin) } : { ca: proof.ca };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(url, { ...options, ...known } as RequestOptions);
    asked.once("response", resolve);
    asked.once("error", (error) => reject(signal.aborted ? signal.reason : failure(url.host, error)));
    asked.end();
  });
  const answer = caAnswer.safeParse(parsed(await bodyOf(response)));
  if (!answer.success) throw new FettleError("cli.bad-answer", { problem: "it does not say what its CA is" });
  return answer.data;
}

type Connected = (error: Error | null, socket: Duplex) => void;

/** Nothing is sent before the server's key is the pinned one; who made its certificate and for whom is not asked. */
function connectPinned(url: URL, pin: string) {
  return (_: unknown, done: Connected): undefined => {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false, minVersion: "TLSv1.2" });
    socket.once("error", (error) => done(error, socket));
    socket.once("secureConnect", () => {
      const shown = pinOf(socket);
      if (shown === pin) return done(null, socket);
      socket.destroy();
      done(new FettleError("cli.other-key", { address: url.host, shown }), socket);
    });
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
