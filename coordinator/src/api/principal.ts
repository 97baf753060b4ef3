import { timingSafeEqual } from "node:crypto";
import { API_ROLES, type ApiRole } from "@fettle/shared/api/route.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import type { FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { splitToken } from "./api-token.ts";

/** Who asks. */
export interface Principal {
  /** For the audit, as in `token:grafana` or `socket`. */
  readonly who: string;
  readonly role: ApiRole;
  /** The stack it may see and steer; `*` is all. */
  readonly stack: string;
}

/** Whoever can open the socket (0600) owns the coordinator. */
const SOCKET: Principal = { who: "socket", role: "admin", stack: "*" };

/** Throws `api.unauthenticated` when the request shows no valid token and did not come over the Unix socket. */
export async function principalOf(request: FastifyRequest, context: Context): Promise<Principal> {
  if (onUnixSocket(request)) return SOCKET;
  const given = splitToken(request.headers.authorization ?? "");
  const row = given === null ? undefined : await context.store.apiTokens.get(given.id);
  if (given === null || row === undefined || row.revokedAt !== null) throw new FettleError("api.unauthenticated");
  const equal = timingSafeEqual(Buffer.from(row.secretHash, "hex"), Buffer.from(sha256Hex(given.secret), "hex"));
  if (!equal) throw new FettleError("api.unauthenticated");
  return { who: `token:${row.name}`, role: row.role, stack: row.stack };
}

/** Throws `api.forbidden` when the role does not reach. */
export function demand(principal: Principal, needed: ApiRole): void {
  if (API_ROLES.indexOf(principal.role) >= API_ROLES.indexOf(needed)) return;
  throw new FettleError("api.forbidden", { needed, has: principal.role });
}

export function maySee(principal: Principal, stack: string): boolean {
  return principal.stack === "*" || principal.stack === stack;
}

/** A server on a path has that path as its address; one on a port never has a text there. */
function onUnixSocket(request: FastifyRequest): boolean {
  return typeof request.server.server.address() === "string";
}
