import { hostPort } from "@fettle/shared/lib/address.ts";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import { GATEWAY_PORT, type GatewayParams, PLATFORM_PORT } from "@fettle/shared/roles/gateway.ts";
import type { Http } from "../../system/http.ts";

type Target = Pick<GatewayParams, "address" | "platform">;

/** The image loads large libraries before it listens. */
export const START_MS = 120_000;

const DEADLINE_MS = 5_000;
const MAX_BYTES = 64 * 1024;

/** Which ports do not answer as the gateway does, each with why; empty when all is well. */
export async function deadPorts(http: Http, target: Target, signal: AbortSignal): Promise<Map<number, string>> {
  const { address, platform } = target;
  const [api, workflow] = await Promise.all([
    healthz(http, address, signal),
    platform ? platformPort(http, address, signal) : null,
  ]);
  const dead = new Map<number, string>();
  if (api !== null) dead.set(GATEWAY_PORT, api);
  if (workflow !== null) dead.set(PLATFORM_PORT, workflow);
  return dead;
}

/** `/monitoring/healthz` is the process alone; `/monitoring/ready` fails on every self-hosted gateway. */
async function healthz(http: Http, address: string, signal: AbortSignal): Promise<string | null> {
  try {
    const status = await get(http, `http://${hostPort(address, GATEWAY_PORT)}/monitoring/healthz`, signal);
    return status === 200 ? null : `healthz answers ${status}`;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error).slice(0, 200);
  }
}

/**
 * gRPC is HTTP/2, whose server speaks first: what an HTTP/1 client takes for a malformed answer is its greeting. A
 * plain connect proves nothing where the Engine's proxy takes it.
 */
async function platformPort(http: Http, address: string, signal: AbortSignal): Promise<string | null> {
  try {
    const status = await get(http, `http://${hostPort(address, PLATFORM_PORT)}/`, signal);
    return `HTTP/1 answers there (${status}), and not gRPC`;
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return code.startsWith("HPE_") ? null : messageOf(error).slice(0, 200);
  }
}

/** What `GET /` without a token gets: `asks` for one, lets everybody in (`open`), or says nothing of it. */
export async function authAt(
  http: Http,
  { address }: Target,
  signal: AbortSignal,
): Promise<{ readonly kind: "asks" | "open" | "silent"; readonly problem: string }> {
  try {
    const status = await get(http, `http://${hostPort(address, GATEWAY_PORT)}/`, signal);
    if (status === 401) return { kind: "asks", problem: "" };
    return { kind: status < 500 ? "open" : "silent", problem: `GET / answers ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "silent", problem: messageOf(error).slice(0, 200) };
  }
}

async function get(http: Http, url: string, signal: AbortSignal): Promise<number> {
  return (await http.request({ url, deadlineMs: DEADLINE_MS, maxBytes: MAX_BYTES, signal })).status;
}
