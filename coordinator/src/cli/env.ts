import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";

/** Where the coordinator is: its Unix socket on the same machine, or HTTPS with a token. */
export type Target =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "https"; readonly url: URL; readonly token: Secret; readonly caFile: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `cli.environment` for a URL without token or CA, or one that is not https. */
export function readTarget(environment: Environment): Target {
  const { FETTLE_URL, FETTLE_TOKEN, FETTLE_CA, FETTLE_SOCKET, FETTLE_RUN } = environment;
  if (FETTLE_URL === undefined || FETTLE_URL === "")
    return { kind: "socket", path: FETTLE_SOCKET ?? join(FETTLE_RUN ?? "/run/fettle", "admin.sock") };
  if (!URL.canParse(FETTLE_URL)) throw incomplete("FETTLE_URL is no URL");
  const url = new URL(FETTLE_URL);
  if (url.protocol !== "https:")
    throw incomplete("FETTLE_URL must begin with https://, or the token would travel in the clear");
  if (!FETTLE_TOKEN) throw incomplete("FETTLE_URL is set, but FETTLE_TOKEN is not");
  if (!FETTLE_CA) throw incomplete("FETTLE_URL is set, but FETTLE_CA is not");
  return { kind: "https", url, token: new Secret(FETTLE_TOKEN), caFile: FETTLE_CA };
}

function incomplete(problem: string): FettleError {
  return new FettleError("cli.environment", { problem });
}

/** NO_COLOR with any text but the empty one, as its convention says. */
export function wantsColour(environment: Environment, isTerminal: boolean): boolean {
  return isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb";
}
