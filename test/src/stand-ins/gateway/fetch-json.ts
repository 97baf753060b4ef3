/** `requests.get(url, timeout=…).json()`: verified TLS against the bundle alone, redirects followed. */
import { readFileSync } from "node:fs";
import { get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { PythonError } from "./log.ts";
import { fetchFailed, missingBundle, missingSchema, notJson } from "./requests-error.ts";

export interface FetchOptions {
  caBundle: string | undefined;
  timeoutMs: number;
  closing: AbortSignal;
}

const MOST_REDIRECTS = 5;

/** Throws a PythonError with the library's own text. */
export async function fetchJson(text: string, options: FetchOptions, redirects = 0): Promise<Record<string, unknown>> {
  if (!/^https?:\/\//.test(text)) throw missingSchema(text);
  const url = new URL(text);
  const late = AbortSignal.timeout(options.timeoutMs);
  try {
    const response = await request(url, options.caBundle, AbortSignal.any([late, options.closing]));
    const { location } = response.headers;
    if (location === undefined || redirects === MOST_REDIRECTS) return parsed(await textOf(response));
    response.destroy();
    return await fetchJson(new URL(location, url).href, options, redirects + 1);
  } catch (error) {
    if (error instanceof PythonError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw fetchFailed(url, late.aborted ? "ETIMEDOUT" : (code ?? ""), options.timeoutMs / 1000);
  }
}

async function request(url: URL, caBundle: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  const ca = caBundle === undefined ? undefined : bundle(caBundle);
  const options = { signal, agent: false, headers: { "user-agent": "python-requests/2.32.5", accept: "*/*" } };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent =
    url.protocol === "https:"
      ? httpsGet(url, ca === undefined ? options : { ...options, ca }, resolve)
      : httpGet(url, options, resolve);
  sent.on("error", reject);
  return await promise;
}

function bundle(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw missingBundle(path);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return text;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw notJson();
  }
}
