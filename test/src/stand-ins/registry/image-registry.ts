import { createHash } from "node:crypto";
import { type Exchange, sendJson, sendText } from "./exchange.ts";
import type { Images } from "./faults.ts";

/** Where the vendor publishes the gateway's images. */
export const GATEWAY_REPOSITORY = "gitlab-org/modelops/applied-ml/code-suggestions/ai-assist/model-gateway";

const page = (repository: string, tags: string[]): Images => ({
  [repository]: Object.fromEntries(tags.map((tag) => [tag, 1])),
});

export const defaultImages: Images = {
  ...page(GATEWAY_REPOSITORY, [
    "latest",
    ...["17.9.0", "17.9.2", "18.8.0", "18.8.1", "18.8.10", "19.5.0", "19.5.1"].map((v) => `self-hosted-v${v}-ee`),
  ]),
};

const PAGE = 100;
const TOKEN = "stand-in-image-token";

/**
 * The reading half of a container registry as registry.gitlab.com does it: a bearer token from a realm, tags in pages
 * by Link header, and the digest of a tag.
 */
export function answerImages(exchange: Exchange, start: Images): boolean {
  const images = exchange.faults.images ?? start;
  const path = exchange.url.pathname;
  if (path === "/jwt/auth") {
    sendJson(exchange, 200, { token: TOKEN });
    return true;
  }
  if (path === "/v2/") return authorised(exchange, undefined) ? done(() => sendJson(exchange, 200, {})) : true;
  const match = /^\/v2\/(.+)\/(tags\/list|manifests\/([^/]+))$/.exec(path);
  const repository = match?.[1] ?? "";
  const known = images[repository] ?? start[repository];
  if (match === null || known === undefined) return false;
  if (!authorised(exchange, repository)) return true;
  const tags = images[repository] ?? {};
  if (match[3] === undefined) listTags(exchange, repository, Object.keys(tags).sort());
  else manifest(exchange, repository, tags, match[3]);
  return true;
}

function done(act: () => void): true {
  act();
  return true;
}

function authorised(exchange: Exchange, repository: string | undefined): boolean {
  if (exchange.request.headers.authorization === `Bearer ${TOKEN}`) return true;
  const scope = repository === undefined ? "" : `,scope="repository:${repository}:pull"`;
  const challenge = `Bearer realm="${exchange.url.origin}/jwt/auth",service="container_registry"${scope}`;
  const errors = [{ code: "UNAUTHORIZED", message: "authentication required", detail: null }];
  sendJson(exchange, 401, { errors }, { "www-authenticate": challenge });
  return false;
}

function listTags(exchange: Exchange, repository: string, all: string[]): void {
  const size = Math.min(PAGE, Number(exchange.url.searchParams.get("n") ?? PAGE) || PAGE);
  const last = exchange.url.searchParams.get("last");
  const rest = last === null ? all : all.filter((tag) => tag > last);
  const tags = rest.slice(0, size);
  const next = `/v2/${repository}/tags/list?last=${encodeURIComponent(tags.at(-1) ?? "")}&n=${size}`;
  const headers: Record<string, string> = rest.length > size ? { link: `<${next}>; rel="next"` } : {};
  sendJson(exchange, 200, { name: repository, tags }, headers);
}

function manifest(exchange: Exchange, repository: string, tags: Record<string, number>, reference: string): void {
  const tag = Object.keys(tags).find(
    (one) => one === reference || imageDigest(repository, one, tags[one]) === reference,
  );
  if (tag === undefined) {
    const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown", detail: { Tag: reference } }];
    sendJson(exchange, 404, { errors });
    return;
  }
  sendText(exchange, 200, manifestText(repository, tag, tags[tag]), {
    "content-type": "application/vnd.oci.image.index.v1+json",
    "docker-content-digest": imageDigest(repository, tag, tags[tag]),
  });
}

/** The digest under which a tag is published; another number is another image. */
export function imageDigest(repository: string, tag: string, revision = 1): string {
  return `sha256:${createHash("sha256")
    .update(manifestText(repository, tag, revision))
    .digest("hex")}`;
}

function manifestText(repository: string, tag: string, revision = 1): string {
  const digest = `sha256:${createHash("sha256").update(`${repository}:${tag}#${revision}`).digest("hex")}`;
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifests = [{ mediaType, digest, size: 2400, platform: { architecture: "amd64", os: "linux" } }];
  return JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests });
}
