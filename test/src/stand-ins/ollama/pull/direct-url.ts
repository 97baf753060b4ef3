import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import { ask, type RegistryOptions } from "./registry-http.ts";

const PATIENCE_MS = 30_000;

/**
 * Where the bytes of a blob really lie: a GET that is answered by 307, or by 200 *with* a Location header. A registry
 * that serves the blob itself without one fails here.
 */
export async function directUrl(url: URL, options: RegistryOptions, signal: AbortSignal, log: Log): Promise<URL> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await locate(url, options, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof Final) throw error;
      log.warn("download.go:262", "failed to get direct URL; backing off and retrying", {
        err: (error as Error).message,
      });
      if (Date.now() > deadline) throw new Error("context deadline exceeded", { cause: error });
      await sleep(Math.min(10_000, tries * tries * 10), undefined, { signal });
    }
  }
}

/** What is not tried again. */
class Final extends Error {}

async function locate(url: URL, options: RegistryOptions, signal: AbortSignal): Promise<URL> {
  const response = await ask("GET", url, options, signal);
  response.destroy();
  if (response.statusCode !== 307 && response.statusCode !== 200) {
    throw new Final(`unexpected status code ${response.statusCode}`);
  }
  const { location } = response.headers;
  if (location === undefined) throw new Final("http: no Location header in response");
  return new URL(location, url);
}
