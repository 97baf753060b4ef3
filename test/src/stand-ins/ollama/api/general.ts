import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Ollama } from "../context.ts";
import { type Exchange, sendJson, sendText } from "./exchange.ts";

export async function root(_: Ollama, exchange: Exchange): Promise<void> {
  sendText(exchange, 200, "Ollama is running");
}

export async function version(ollama: Ollama, exchange: Exchange): Promise<void> {
  sendJson(exchange, 200, { version: ollama.settings.version });
}

/** GET /api/status: whether models of the vendor's cloud may be used, and who said no. */
export async function status(ollama: Ollama, exchange: Exchange): Promise<void> {
  sendJson(exchange, 200, { cloud: cloudStatus(ollama) });
}

export function cloudStatus(ollama: Ollama): { disabled: boolean; source: string } {
  const { noCloud, home } = ollama.environment;
  const byConfig = home !== undefined && configSaysNo(join(home, ".ollama", "server.json"));
  const source = noCloud && byConfig ? "both" : noCloud ? "env" : byConfig ? "config" : "none";
  return { disabled: noCloud || byConfig, source };
}

function configSaysNo(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { disable_ollama_cloud?: boolean }).disable_ollama_cloud === true;
  } catch {
    return false;
  }
}
