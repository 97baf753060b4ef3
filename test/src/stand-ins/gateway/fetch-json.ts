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
  const response = await request(url, options).catch((error: unknown) => {
    if (error instanceof PythonError) throw error;
    throw fetchFailed(url, error as NodeJS.ErrnoException, options.timeoutMs / 1000);
  });
  const { location } = response.headers;
  if (location !== undefined && redirects < MOST_REDIRECTS) {
    response.resume();
    return await fetchJson(new URL(location, url).href, options, redirects + 1);
  }
  return parsed(await textOf(response));
}

function request(url: URL, { caBundle, timeoutMs, closing }: FetchOptions): Promise<IncomingMessage> {
  const ca = caBundle === undefined ? undefined : bundle(caBundle);
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([late, closing]);
  return new Promise((resolve, reject) => {
    const options = { signal, agent: false, headers: { "user-agent": "python-requests/2.32.5", accept: "*/*" } };
    const sent =
      url.protocol === "https:"
        ? httpsGet(url, ca === undefined ? options : { ...options, ca }, resolve)
        : httpGet(url, options, resolve);
    sent.on("error", (error) => reject(late.aborted ? Object.assign(error, { code: "ETIMEDOUT" }) : error));
  });
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
