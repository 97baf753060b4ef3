import { hostPort, ipAddress } from "@fettle/shared/lib/address.ts";
import type { PortProbe } from "@fettle/shared/protocol/health.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import type { Host } from "../system/host.ts";

const CONNECT_MS = 3_000;
const ANSWER_MS = 5_000;
const MAX_BYTES = 256 * 1024;

type Reached = Pick<Host, "net" | "http" | "clock">;
/** True when it is the service, false when it is another, null when it did not say within the time. */
type Recognise = (host: Reached, target: ProbeTarget, ca: string | undefined) => Promise<boolean | null>;

/**
 * Looks at a peer's port as this node's role would: connects, and then asks what answers there. Only ever called with
 * targets that local policy has let through. Never throws.
 */
export async function probePort(host: Reached, target: ProbeTarget, ca?: string): Promise<PortProbe> {
  const { peer, port, service } = target;
  const found = { peer, host: target.host, port, service };
  const startedAt = host.clock.mono();
  const connected = await host.net.probe(target.host, port, CONNECT_MS).catch(() => "unreachable" as const);
  const milliseconds = Math.round((host.clock.mono() - startedAt) * 10) / 10;
  if (connected === "unknown-name") return { ...found, result: "unreachable" };
  if (connected !== "ok") return { ...found, result: connected };
  const right = await recognisers[service](host, target, ca).catch(() => null);
  if (right === null) return { ...found, result: "unknown", milliseconds };
  return { ...found, result: right ? "ok" : "wrong-service", milliseconds };
}

const recognisers: Readonly<Record<ProbeTarget["service"], Recognise>> = {
  /** Its health check answers 200; another status is the gateway all the same, not ready yet. */
  gateway: async (host, target) => {
    const answer = await get(host, target, "/monitoring/healthz");
    return answer === null ? null : answer === "other" ? false : answer.status !== 404;
  },
  /** gRPC: nothing to ask without being a client of it. */
  platform: async () => true,
  ollama: async (host, target) => {
    const answer = await get(host, target, "/api/version");
    if (answer === null) return null;
    return answer !== "other" && answer.status === 200 && typeof field(answer.text, "version") === "string";
  },
  /** A TLS handshake; a GitLab without TLS tells itself by the header that it puts on every answer. */
  gitlab: async (host, target, ca) => {
    const name = ipAddress(target.host) === null ? { servername: target.host } : {};
    const options = { ...name, timeoutMs: ANSWER_MS, ...(ca === undefined ? {} : { ca }) };
    try {
      await host.net.tls(target.host, target.port, options);
      return true;
    } catch (error) {
      if (timedOut(error)) return null;
      const answer = await get(host, target, "/users/sign_in");
      return answer === null ? null : answer !== "other" && answer.headers["x-gitlab-meta"] !== undefined;
    }
  },
};

/** The answer; `other` when it is not HTTP, null when none came in time. */
async function get(host: Reached, { host: name, port }: ProbeTarget, path: string) {
  const url = `http://${hostPort(name, port)}${path}`;
  try {
    return await host.http.request({ url, deadlineMs: ANSWER_MS, maxBytes: MAX_BYTES });
  } catch (error) {
    return timedOut(error) ? null : ("other" as const);
  }
}

function timedOut(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ETIMEDOUT";
}

function field(text: string, name: string): unknown {
  try {
    return (JSON.parse(text) as Record<string, unknown> | null)?.[name];
  } catch {
    return undefined;
  }
}
