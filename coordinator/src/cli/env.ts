import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { readLogin } from "./login-file.ts";

/** Where the coordinator is: its Unix socket on the same machine, or HTTPS with a token. */
export type Target =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "https"; readonly url: URL; readonly token: Secret; readonly trust: Trust };

/** The CA that made its certificate; with a name, the certificate has to hold that instead of the URL's host. */
export type Trust = { readonly file: string } | { readonly pem: string; readonly name: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment first, then this machine's coordinator where its socket may be opened, then the stored login. Throws
 * `cli.environment` for a URL without token or CA, or one that is not https; `cli.bad-login`.
 */
export function readTarget(environment: Environment): Target {
  const { FETTLE_URL, FETTLE_SOCKET, FETTLE_RUN } = environment;
  if (FETTLE_URL) return givenTarget(FETTLE_URL, environment);
  const path = FETTLE_SOCKET ?? join(FETTLE_RUN ?? "/run/fettle", "admin.sock");
  const socket = { kind: "socket", path } as const;
  if (FETTLE_SOCKET !== undefined || FETTLE_RUN !== undefined || mayOpen(path)) return socket;
  const login = readLogin(environment);
  if (login === null) return socket;
  const { url, token, ca, name } = login;
  return { kind: "https", url: new URL(url), token: new Secret(token), trust: { pem: ca, name } };
}

function givenTarget(text: string, { FETTLE_TOKEN, FETTLE_CA }: Environment): Target {
  if (!URL.canParse(text)) throw incomplete("FETTLE_URL is no URL");
  const url = new URL(text);
  if (url.protocol !== "https:")
    throw incomplete("FETTLE_URL must begin with https://, or the token would travel in the clear");
  if (!FETTLE_TOKEN) throw incomplete("FETTLE_URL is set, but FETTLE_TOKEN is not");
  if (!FETTLE_CA) throw incomplete("FETTLE_URL is set, but FETTLE_CA is not");
  return { kind: "https", url, token: new Secret(FETTLE_TOKEN), trust: { file: FETTLE_CA } };
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function incomplete(problem: string): FettleError {
  return new FettleError("cli.environment", { problem });
}

/** NO_COLOR with any text but the empty one, as its convention says. */
export function wantsColour(environment: Environment, isTerminal: boolean): boolean {
  return isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb";
}
