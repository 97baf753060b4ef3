import { hostPort, ipAddress, isUnspecified } from "@fettle/shared/lib/address.ts";
import type { UnitState } from "../../system/units.ts";
import type { ResourceContext } from "../resource.ts";

const DEFAULT_PORT = 11434;

/** The version that the running `ollama.service` answers, wherever it listens; null when it runs or answers not. */
export async function runningVersion(
  { host, clients, pass }: ResourceContext,
  unit: UnitState,
  signal: AbortSignal,
): Promise<string | null> {
  if (unit.mainPid === 0) return null;
  const environ = await host.proc.environ(unit.mainPid);
  if (environ === null) return null;
  const address = addressOf(environ.OLLAMA_HOST ?? "");
  return pass.once(`ollama:version:${address}`, () => clients.ollama.version(address, signal).catch(() => null));
}

/** Where a server with this OLLAMA_HOST can be asked from here (facts: ollama.md section 2). */
export function addressOf(variable: string): string {
  const text = variable.trim().replace(/^["']|["']$/g, "");
  const [, scheme, rest = ""] = /^(?:(https?):\/\/)?([^/]*)/.exec(text) ?? [];
  const usual = scheme === "http" ? 80 : scheme === "https" ? 443 : DEFAULT_PORT;
  if (ipAddress(rest) !== null) return hostPort(reachable(rest), usual);
  const [, v6, name = "", digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(rest) ?? [];
  const port = digits === undefined ? usual : Number(digits);
  return hostPort(reachable(v6 ?? name), port > 0 && port < 65536 ? port : DEFAULT_PORT);
}

function reachable(host: string): string {
  return host === "" || isUnspecified(host) ? "127.0.0.1" : host;
}
