import type { Content } from "./content.ts";
import { type Exchange, sendFile, sendJson, sendText } from "./exchange.ts";
import { type ModelSpec, type PublishedModel, publish } from "./models.ts";

const NEWER_NEEDED =
  "\n\nThe model you are attempting to pull requires a newer version of Ollama.\n\nPlease download the latest version at:\n\n\thttps://ollama.com/download\n\n";

/** The protocol of registry.ollama.ai: manifests and blobs, no listing of any kind. */
export class ModelRegistry {
  readonly #specs: ModelSpec[];

  constructor(specs: ModelSpec[]) {
    this.#specs = specs;
  }

  /** False when the path is not of this protocol. */
  async answer(exchange: Exchange): Promise<boolean> {
    const match = /^\/v2\/([^/]+\/[^/]+)\/(manifests|blobs)\/([^/]+)$/.exec(exchange.url.pathname);
    if (match === null) return false;
    const [, repository = "", kind, reference = ""] = match;
    if (!allowed(exchange, repository)) return true;
    if (kind === "manifests") this.#manifest(exchange, repository, reference);
    else await this.#blob(exchange, reference);
    return true;
  }

  #manifest(exchange: Exchange, repository: string, tag: string): void {
    const { manifestStatus, manifestText } = exchange.faults;
    const model = this.#models(exchange).find((one) => same(one.repository, repository) && same(one.tag, tag));
    const type = "application/vnd.docker.distribution.manifest.v2+json";
    if (manifestStatus !== undefined) sendText(exchange, manifestStatus, failureText(manifestStatus));
    else if (model === undefined) sendText(exchange, 404, NOT_FOUND);
    else sendText(exchange, 200, manifestText ?? model.manifest, { "content-type": type });
  }

  async #blob(exchange: Exchange, digest: string): Promise<void> {
    const { faults, url } = exchange;
    if (faults.blobStatus !== undefined) {
      return sendText(exchange, faults.blobStatus, failureText(faults.blobStatus));
    }
    const blob = this.#blobs(exchange).find((one) => one.digest === digest);
    if (blob === undefined) return sendText(exchange, 404, NOT_FOUND);
    const plain = exchange.request.headers.range === undefined && exchange.request.method === "GET";
    if (plain && faults.redirectTo !== undefined) {
      return sendText(exchange, 307, "", { location: new URL(url.pathname, faults.redirectTo).href });
    }
    // A GET without a range only asks for the place of the bytes (Location), so faults of transfers are not for it.
    const transfer = plain ? { ...exchange, meets: () => false } : exchange;
    await sendFile(transfer, blob, faults.noLocation === true ? {} : { location: url.href });
  }

  #blobs(exchange: Exchange): Content[] {
    return this.#models(exchange).flatMap((model) => model.blobs);
  }

  #models(exchange: Exchange): PublishedModel[] {
    return this.#specs.map((spec) => publish(spec, exchange.faults.revisions?.[spec.name]));
  }
}

const NOT_FOUND = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}';

function failureText(status: number): string {
  return status === 412 ? NEWER_NEEDED : `{"errors":[{"code":"STAND_IN","message":"status ${status}"}]}`;
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const TOKEN = "stand-in-model-token";

/** A token is asked for on every request but that of a range, which carries none. */
function allowed(exchange: Exchange, repository: string): boolean {
  const { token } = exchange.faults;
  const { authorization, range } = exchange.request.headers;
  if (token === undefined || range !== undefined || authorization === `Bearer ${TOKEN}`) return true;
  const realm = token === "own" ? `${exchange.url.origin}/token` : "http://elsewhere.invalid/token";
  const challenge = `Bearer realm="${realm}",service="${exchange.url.host}",scope="repository:${repository}:pull"`;
  sendText(exchange, 401, "", { "www-authenticate": challenge });
  return false;
}

export function answerToken(exchange: Exchange): void {
  sendJson(exchange, 200, { token: TOKEN });
}
