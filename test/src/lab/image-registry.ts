import { createReadStream, existsSync, statSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { manifestType } from "./image-manifest.ts";
import { blobPath, readTags } from "./image-store.ts";
import { paced } from "./pace.ts";

export type RegistryOptions = {
  /** Images as image-store lays them. */
  folder: string;
  /** Where clients are sent for a token, as registry.gitlab.com sends them to gitlab.com. */
  tokenUrl: string;
  log: (line: string) => void;
};

type Reply = { status: number; headers?: Record<string, string>; json?: object; file?: { path: string; from: number } };

const token = "anonymous";
const defaultPage = 100;

/**
 * A read-only registry of the Docker Registry HTTP API v2: manifests, blobs with ranges, tag lists in pages, and the
 * anonymous token without which registry.gitlab.com answers nothing.
 */
export function imageRegistry(options: RegistryOptions): RequestListener {
  return (request, response) => {
    const reply = replyTo(options, request);
    options.log(`${request.method} ${request.url} ${reply.status}`);
    send(options, request, response, reply);
  };
}

function replyTo(options: RegistryOptions, request: IncomingMessage): Reply {
  const url = new URL(request.url ?? "/", "https://registry");
  if (request.method !== "GET" && request.method !== "HEAD") return refusal(405, "UNSUPPORTED");
  if (url.pathname === new URL(options.tokenUrl).pathname) return { status: 200, json: { token, expires_in: 300 } };
  const [, repository, kind, name = ""] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
  if (request.headers.authorization !== `Bearer ${token}`) return challenge(options.tokenUrl, repository);
  if (url.pathname === "/v2/") return { status: 200, json: {} };
  const tags = readTags(options.folder)[repository ?? ""];
  if (repository === undefined || tags === undefined) return refusal(404, "NAME_UNKNOWN");
  if (kind === "tags") return tagsReply(url, repository, Object.keys(tags));
  if (kind === "blobs") return blobReply(options.folder, name, request.headers.range ?? "");
  return manifestReply(options.folder, name.startsWith("sha256:") ? name : tags[name]);
}

function challenge(realm: string, repository: string | undefined): Reply {
  const scope = repository === undefined ? "" : `,scope="repository:${repository}:pull"`;
  const wanted = `Bearer realm="${realm}",service="container_registry"${scope}`;
  return { ...refusal(401, "UNAUTHORIZED"), headers: { "www-authenticate": wanted } };
}

function manifestReply(folder: string, digest: string | undefined): Reply {
  if (digest === undefined || !isStored(folder, digest)) return refusal(404, "MANIFEST_UNKNOWN");
  const path = blobPath(folder, digest);
  const headers = { "content-type": manifestType, "docker-content-digest": digest };
  return {
    status: 200,
    headers: { ...headers, "content-length": String(statSync(path).size) },
    file: { path, from: 0 },
  };
}

/** An interrupted client asks for the rest: `Range: bytes=N-`. */
function blobReply(folder: string, digest: string, range: string): Reply {
  if (!isStored(folder, digest)) return refusal(404, "BLOB_UNKNOWN");
  const path = blobPath(folder, digest);
  const { size } = statSync(path);
  const from = Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? 0);
  const headers = { "content-type": "application/octet-stream", "docker-content-digest": digest };
  if (from === 0 || from >= size) {
    return { status: 200, headers: { ...headers, "content-length": String(size) }, file: { path, from: 0 } };
  }
  const part = { "content-length": String(size - from), "content-range": `bytes ${from}-${size - 1}/${size}` };
  return { status: 206, headers: { ...headers, ...part }, file: { path, from } };
}

function tagsReply(url: URL, repository: string, tags: string[]): Reply {
  const count = Number(url.searchParams.get("n") ?? defaultPage);
  const last = url.searchParams.get("last") ?? "";
  const rest = tags.sort().filter((tag) => tag > last);
  const page = rest.slice(0, count);
  const query = new URLSearchParams({ n: String(count), last: page.at(-1) ?? "" });
  const next = rest.length > page.length ? { link: `<${url.pathname}?${query}>; rel="next"` } : {};
  return { status: 200, headers: next, json: { name: repository, tags: page } };
}

function refusal(status: number, code: string): Reply {
  const message = code.toLowerCase().replaceAll("_", " ");
  return { status, json: { errors: [{ code, message, detail: null }] } };
}

function isStored(folder: string, digest: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(digest) && existsSync(blobPath(folder, digest));
}

function send(options: RegistryOptions, request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const type = reply.json === undefined ? {} : { "content-type": "application/json" };
  response.writeHead(reply.status, { "docker-distribution-api-version": "registry/2.0", ...type, ...reply.headers });
  if (reply.file === undefined || request.method === "HEAD") {
    response.end(reply.json === undefined ? undefined : JSON.stringify(reply.json));
    return;
  }
  pipeline(createReadStream(reply.file.path, { start: reply.file.from }), paced(options.folder), response, (error) => {
    if (error) options.log(`${request.url} was cut short: ${error.message}`);
  });
}
