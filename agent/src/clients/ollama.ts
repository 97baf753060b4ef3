import * as z from "zod";
import type { Host } from "../system/host.ts";
import { ndjson } from "./ndjson.ts";

const QUICK_MS = 5_000;
const SILENCE_MS = 60_000;
/** Whoever reads the lines of a pull decides what is too long; this is the end in any case. */
const LONGEST_SILENCE_MS = 7_200_000;

const version = z.object({ version: z.string() });
const tags = z.object({ models: z.array(z.object({ name: z.string(), digest: z.string(), size: z.number() })) });
const running = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size: z.number(),
      size_vram: z.number().default(0),
      context_length: z.number().optional(),
      expires_at: z.string().optional(),
    }),
  ),
});
const pullLine = z.object({
  status: z.string().optional(),
  error: z.string().optional(),
  digest: z.string().optional(),
  total: z.number().optional(),
  completed: z.number().optional(),
});
const failure = z.object({ error: z.string() });

export type InstalledModel = z.infer<typeof tags>["models"][number];
export type RunningModel = z.infer<typeof running>["models"][number];
export type PullLine = z.infer<typeof pullLine>;

export interface PullOptions {
  /** Over plain http (facts: ollama.md section 4). */
  readonly insecure?: boolean;
}

/** Ollama's own API (facts: ollama.md section 3), each call at one `host:port`. Network errors are Http's. */
export interface OllamaClient {
  /** The version that answers; null when what answers is not Ollama. */
  version(address: string, signal: AbortSignal): Promise<string | null>;
  tags(address: string, signal: AbortSignal): Promise<readonly InstalledModel[]>;
  running(address: string, signal: AbortSignal): Promise<readonly RunningModel[]>;
  /**
   * The lines of a pull. A failure is a line with `error`, or just the end; only a line with status `success` is
   * success. Ending the iteration closes the connection, which stops the download and keeps its parts.
   */
  pull(address: string, model: string, signal: AbortSignal, options?: PullOptions): AsyncIterable<PullLine>;
  /** Gives a model one more name; the one that it had so far is free for others then. */
  copy(address: string, from: string, to: string, signal: AbortSignal): Promise<void>;
  /** Takes a name away; one that is not there is fine. */
  remove(address: string, model: string, signal: AbortSignal): Promise<void>;
  /** Loads a model and keeps it; resolves when it is loaded. The text is Ollama's error, null when there is none. */
  preload(address: string, model: string, deadlineMs: number, signal: AbortSignal): Promise<string | null>;
}

export function ollamaClient(host: Host): OllamaClient {
  const get = async (address: string, path: string, signal: AbortSignal): Promise<unknown> => {
    const answer = await host.http.request({ url: `http://${address}${path}`, deadlineMs: QUICK_MS, signal });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
    return JSON.parse(answer.text);
  };
  return {
    async version(address, signal) {
      const answer = await host.http.request({ url: `http://${address}/api/version`, deadlineMs: QUICK_MS, signal });
      const parsed = answer.status === 200 ? version.safeParse(json(answer.text)) : null;
      return parsed?.success ? parsed.data.version : null;
    },
    tags: async (address, signal) => tags.parse(await get(address, "/api/tags", signal)).models,
    running: async (address, signal) => running.parse(await get(address, "/api/ps", signal)).models,
    pull: (address, model, signal, options) => pull(host, address, model, signal, options),
    copy: (address, from, to, signal) =>
      change(host, address, "POST", "/api/copy", { source: from, destination: to }, signal),
    remove: (address, model, signal) => change(host, address, "DELETE", "/api/delete", { model }, signal),
    preload: (address, model, deadlineMs, signal) => preload(host, address, model, deadlineMs, signal),
  };
}

async function change(
  host: Host,
  address: string,
  method: "POST" | "DELETE",
  path: string,
  asked: object,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify(asked);
  const answer = await host.http.request({
    url: `http://${address}${path}`,
    method,
    body,
    deadlineMs: QUICK_MS,
    signal,
  });
  if (answer.status === 200 || (answer.status === 404 && method === "DELETE")) return;
  throw new Error(`${path} answered ${answer.status}: ${answer.text.slice(0, 200)}`);
}

async function* pull(
  host: Host,
  address: string,
  model: string,
  signal: AbortSignal,
  { insecure = false }: PullOptions = {},
): AsyncGenerator<PullLine> {
  const body = JSON.stringify({ model, stream: true, ...(insecure ? { insecure } : {}) });
  const url = `http://${address}/api/pull`;
  const answer = await host.http.stream({
    url,
    method: "POST",
    body,
    deadlineMs: SILENCE_MS,
    idleMs: LONGEST_SILENCE_MS,
    signal,
  });
  try {
    for await (const line of ndjson(answer.chunks)) yield pullLine.parse(line);
  } finally {
    answer.close();
  }
}

/** Sends no option but keep_alive: any other would make Ollama load the model anew for the next user. */
async function preload(host: Host, address: string, model: string, deadlineMs: number, signal: AbortSignal) {
  const body = JSON.stringify({ model, keep_alive: -1 });
  const answer = await host.http.request({
    url: `http://${address}/api/generate`,
    method: "POST",
    body,
    deadlineMs,
    signal,
  });
  if (answer.status === 200) return null;
  const parsed = failure.safeParse(json(answer.text));
  return parsed.success ? parsed.data.error : `status ${answer.status}`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
