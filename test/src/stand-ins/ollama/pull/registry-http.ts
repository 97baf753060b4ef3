import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { DEFAULT_HOST, type ModelName } from "../models/model-name.ts";
import { goNetError } from "./go-net-error.ts";

export interface RegistryOptions {
  /** Plain http for every request: that is all "insecure" means. */
  insecure: boolean;
  /** Base URL that stands for the public registries. */
  publicRegistry: string | undefined;
  /** Sent to get a token; signs nothing here. */
  userAgent: string;
  token?: string;
}

const PUBLIC_HOSTS = [DEFAULT_HOST, "hf.co", "huggingface.co"];

/** URL of something of this model at its registry. A public registry is never asked itself: it cannot be resolved here. */
export function registryUrl(name: ModelName, options: RegistryOptions, rest: string): URL {
  const path = `/v2/${name.namespace}/${name.model}/${rest}`;
  if (!PUBLIC_HOSTS.includes(name.host.toLowerCase())) {
    return new URL(path, `${options.insecure ? "http" : name.scheme}://${name.host}`);
  }
  if (options.publicRegistry !== undefined) return new URL(path, options.publicRegistry);
  const url = new URL(path, `https://${name.host}`);
  throw new Error(`Get "${url.href}": dial tcp: lookup ${name.host}: no such host`);
}

/** One request, no redirect followed; errors are in Go's words. The caller reads or destroys the answer. */
export function send(
  method: string,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
      method,
      headers,
      signal,
      agent: false,
    });
    request.on("response", resolve);
    request.on("error", (error) => {
      reject(signal.aborted ? signal.reason : new Error(goNetError(error, method, url), { cause: error }));
    });
    request.end();
  });
}

/** As the real one asks a registry: 401 fetches a token once, 404 is "file does not exist", other failures carry the body. */
export async function ask(
  method: string,
  url: URL,
  options: RegistryOptions,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  for (let tries = 0; tries < 2; tries++) {
    const all = { ...headers, "user-agent": options.userAgent, ...bearer(options) };
    const response = await followed(method, url, all, signal);
    const status = response.statusCode ?? 0;
    if (status === 404) throw new Error("file does not exist");
    if (status === 401)
      options.token = await fetchToken(response.headers["www-authenticate"] ?? "", url, options, signal);
    else if (status >= 400) throw new Error(`${status}: ${await textOf(response)}`);
    else return response;
  }
  throw new Error("unauthorized: access denied");
}

/** Redirects are followed as long as they stay with the same host name. */
async function followed(
  method: string,
  first: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = first;
  for (let hops = 0; hops <= 10; hops++) {
    const response = await send(method, url, headers, signal);
    const location = response.headers.location;
    const redirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0) && location !== undefined;
    if (!redirect) return response;
    const next = new URL(location, url);
    if (next.hostname !== first.hostname) return response;
    response.destroy();
    url = next;
  }
  throw new Error("maximum redirects exceeded (10) for directURL");
}

function bearer(options: RegistryOptions): Record<string, string> {
  return options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
}

async function fetchToken(
  challenge: string,
  asked: URL,
  options: RegistryOptions,
  signal: AbortSignal,
): Promise<string> {
  const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";
  const url = new URL(field("realm"));
  if (url.host !== asked.host) {
    throw new Error(`realm host "${url.host}" does not match original host "${asked.host}"`);
  }
  url.searchParams.set("service", field("service"));
  url.searchParams.set("scope", field("scope"));
  const response = await send("GET", url, { "user-agent": options.userAgent }, signal);
  const text = await textOf(response);
  if ((response.statusCode ?? 0) >= 400) throw new Error(`${response.statusCode}: ${text}`);
  return String((JSON.parse(text) as { token?: string }).token ?? "");
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return text;
}
