import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { HttpStream } from "../../system/http.ts";
import { EngineError } from "./engine-error.ts";

export const ENGINE_SOCKET = "/var/run/docker.sock";

export interface EngineRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Without the version, as in `/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A tar as the body, in the place of JSON. */
  readonly archive?: AsyncIterable<Uint8Array>;
  /** Time for the whole answer; of a stream, to its first byte. */
  readonly deadlineMs?: number;
  /** Longest silence of a stream. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The newest version of the API that this client was written for; an older Engine's own is spoken with it. */
const NEWEST = "1.47";
const QUICK_MS = 10_000;
const refusal = z.object({ message: z.string() });

/** Calls of the Engine at the API version that both sides know. Refusals are EngineErrors, network failures Http's. */
export class EngineCaller {
  readonly #http: Host["http"];
  #version: Promise<string> | null = null;

  constructor(host: Host) {
    this.#http = host.http;
  }

  /** The parsed answer; null for one without a body. */
  async json(request: EngineRequest): Promise<unknown> {
    const text = await this.#versioned(async (version) => {
      const answer = await this.#http.request(this.#asked(request, version));
      if (answer.status >= 400) throw errorOf(answer.status, answer.text);
      return answer.text;
    });
    return text.trim() === "" ? null : JSON.parse(text);
  }

  stream(request: EngineRequest): Promise<HttpStream> {
    return this.#versioned(async (version) => {
      const answer = await this.#http.stream(this.#asked(request, version));
      if (answer.status < 400) return answer;
      throw errorOf(answer.status, await textOf(answer));
    });
  }

  /** As `1.41`; asked for once, and again when the Engine went away or does not take it any more. */
  async version(): Promise<string> {
    this.#version ??= this.#negotiate();
    return this.#version;
  }

  async #versioned<T>(call: (version: string) => Promise<T>): Promise<T> {
    try {
      return await call(await this.version());
    } catch (error) {
      this.#version = null;
      if (!(error instanceof EngineError) || !/client version .* is too (new|old)/.test(error.message)) throw error;
      return await call(await this.version());
    }
  }

  async #negotiate(): Promise<string> {
    const url = "http://docker/_ping";
    const { headers } = await this.#http.request({ url, socketPath: ENGINE_SOCKET, deadlineMs: QUICK_MS });
    const theirs = headers["api-version"] ?? NEWEST;
    return ordinal(theirs) < ordinal(NEWEST) ? theirs : NEWEST;
  }

  #asked(
    { method = "GET", path, query = {}, body, archive, deadlineMs = QUICK_MS, idleMs, signal }: EngineRequest,
    v: string,
  ) {
    const asked = new URLSearchParams(query).toString();
    return {
      url: `http://docker/v${v}${path}${asked === "" ? "" : `?${asked}`}`,
      socketPath: ENGINE_SOCKET,
      method,
      deadlineMs,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      ...(archive === undefined ? {} : { body: archive, headers: { "content-type": "application/x-tar" } }),
      ...(idleMs === undefined ? {} : { idleMs }),
      ...(signal === undefined ? {} : { signal }),
    };
  }
}

function errorOf(status: number, text: string): EngineError {
  const parsed = refusal.safeParse(jsonOf(text));
  return new EngineError(status, (parsed.success ? parsed.data.message : text).trim() || `status ${status}`);
}

async function textOf({ chunks }: HttpStream): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString("utf8").slice(0, 4_096);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function ordinal(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1_000 + minor;
}
