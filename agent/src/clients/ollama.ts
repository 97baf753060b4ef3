import * as z from "zod";
import type { Host } from "../system/host.ts";

const QUICK_MS = 5_000;

const version = z.object({ version: z.string() });

/** Ollama's own API (facts: ollama.md section 3), at one address. */
export interface OllamaClient {
  /** The version that answers at `host:port`; null when what answers is not Ollama. Network errors are Http's. */
  version(address: string, signal: AbortSignal): Promise<string | null>;
}

export function ollamaClient(host: Host): OllamaClient {
  return {
    async version(address, signal) {
      const answer = await host.http.request({ url: `http://${address}/api/version`, deadlineMs: QUICK_MS, signal });
      const parsed = answer.status === 200 ? version.safeParse(json(answer.text)) : null;
      return parsed?.success ? parsed.data.version : null;
    },
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
