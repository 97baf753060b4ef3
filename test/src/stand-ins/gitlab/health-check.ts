import { connect } from "node:net";
import type { ProbeResult } from "./connection-check.ts";
import { duoEnterprise } from "./licence.ts";
import type { World } from "./world.ts";

const TIMEOUT_MS = 5_000;

/** The admin page's health check. It does not reach for a model: only the gateway's port is tried. */
export async function healthCheck(world: World): Promise<{ success: boolean; probeResults: ProbeResult[] }> {
  const url = world.store.state.duoSettings.aiGatewayUrl;
  const probeResults = [presence(url), await host(url), licence(world)];
  return { success: probeResults.every((probe) => probe.success), probeResults };
}

function presence(url: string | null): ProbeResult {
  if (url) return probe("ai_gateway_url_presence_probe", true, "Self hosted AI Gateway URL is set.");
  return probe("ai_gateway_url_presence_probe", false, "Set the 'ai_gateway_url' application setting.");
}

async function host(url: string | null): Promise<ProbeResult> {
  if (!url) return probe("host_probe", false, "Cannot validate connection to host because the URL is empty.");
  const { hostname, port, protocol } = new URL(url);
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  const problem = await tcp(hostname, number);
  if (problem === null) return probe("host_probe", true, `${hostname} reachable.`);
  return probe("host_probe", false, `${hostname} connection failed: ${problem}`);
}

function licence(world: World): ProbeResult {
  const name = "code_suggestions_license_probe";
  if (duoEnterprise(world)) return probe(name, true, "License includes access to Code Suggestions.");
  return probe(name, false, "License does not provide access to Code Suggestions.");
}

function tcp(hostname: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, timeout: TIMEOUT_MS });
    const end = (problem: string | null) => {
      socket.destroy();
      resolve(problem);
    };
    socket.on("connect", () => end(null));
    socket.on("timeout", () => end("Connection timed out"));
    socket.on("error", (error) => end(error.message));
  });
}

function probe(name: string, success: boolean, message: string): ProbeResult {
  return { name, success, message, errors: success ? [] : [message], details: {} };
}
