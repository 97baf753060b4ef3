import { text } from "node:stream/consumers";
import { errorAnswer } from "@fettle/shared/api/error.ts";
import { GOODBYE_PATH } from "@fettle/shared/api/goodbye.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Identity } from "../store/identity.ts";
import { agentCall } from "./agent-call.ts";
import type { Address } from "./parts.ts";

const WAIT_MS = 20_000;
/** It knows this identity as ended, so there is nothing left to say. */
const ENDED = new Set(["identity.revoked", "identity.unknown", "identity.superseded"]);

/**
 * Tells the coordinator that this machine is uninstalled: it revokes the identity. Tries each address in turn. Throws
 * the last one's `link.…`, or `link.refused` with the coordinator's own words.
 */
export async function goodbye(coordinators: readonly Address[], identity: Identity): Promise<void> {
  let last: unknown = new FettleError("link.unreachable", { coordinator: "?", port: 0, problem: "none is configured" });
  for (const address of coordinators) {
    try {
      return await sayTo(address, identity);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function sayTo(address: Address, identity: Identity): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MS);
  const response = await agentCall(address, identity, { method: "POST", path: GOODBYE_PATH, body: {}, signal });
  const body = await text(response);
  if (response.statusCode === 200) return;
  const answer = errorAnswer.safeParse(parsed(body));
  if (answer.success && ENDED.has(answer.data.error.code)) return;
  const problem = answer.success ? answer.data.error.message : `HTTP ${response.statusCode}`;
  throw new FettleError("link.unreachable", { coordinator: address.host, port: address.port ?? 0, problem });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
