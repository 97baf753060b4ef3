import * as z from "zod";
import type { Host } from "../system/host.ts";
import type { HttpResponse } from "../system/http.ts";
import { type ImageName, splitRepository } from "./image-name.ts";

export type RegistryProblem = "name" | "unreachable" | "tls" | "denied" | "limited" | "broken";

/** What a registry says, or why it says nothing. */
export type RegistryAnswer<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly why: RegistryProblem; readonly problem: string };

export interface Manifest {
  /** What a pull of the tag would record: `sha256:…`. */
  readonly digest: string;
  /** Compressed bytes of the amd64 image; null when the registry does not say. */
  readonly bytes: number | null;
}

const DEADLINE_MS = 10_000;
const PAGE = 1_000;
const MOST_PAGES = 100;
const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const tagList = z.object({ tags: z.array(z.string()).nullable() });
const token = z.object({ token: z.string().optional(), access_token: z.string().optional() });
const sized = z.object({ size: z.number().nonnegative() });
const imageManifest = z.object({ config: sized, layers: z.array(sized) });
const index = z.object({
  manifests: z.array(
    z.object({ digest: z.string(), platform: z.object({ os: z.string(), architecture: z.string() }).optional() }),
  ),
});

/** Every tag of a repository, over all pages. Never throws but for the signal. */
export function imageTags(
  host: Host,
  repository: string,
  signal: AbortSignal,
): Promise<RegistryAnswer<readonly string[]>> {
  return answered(signal, async () => {
    const session = new Session(host, splitRepository(repository), signal);
    const tags: string[] = [];
    let path: string | null = `/v2/${session.name.path}/tags/list?n=${PAGE}`;
    for (let page = 0; path !== null && page < MOST_PAGES; page += 1) {
      const answer: HttpResponse = await session.get(path);
      tags.push(...(tagList.parse(JSON.parse(answer.text)).tags ?? []));
      path = nextPage(answer.headers.link, path);
    }
    return tags;
  });
}

/** What is published under a tag or digest now. Never throws but for the signal. */
export function imageManifestOf(
  host: Host,
  repository: string,
  reference: string,
  signal: AbortSignal,
): Promise<RegistryAnswer<Manifest>> {
  return answered(signal, async () => {
    const session = new Session(host, splitRepository(repository), signal);
    const answer = await session.get(`/v2/${session.name.path}/manifests/${reference}`);
    return { digest: digestOf(answer), bytes: await bytesOf(session, answer.text) };
  });
}

/** The digest alone, in one request that no registry counts as a pull. Never throws but for the signal. */
export function imageDigest(
  host: Host,
  repository: string,
  tag: string,
  signal: AbortSignal,
): Promise<RegistryAnswer<string>> {
  return answered(signal, async () => {
    const session = new Session(host, splitRepository(repository), signal);
    return digestOf(await session.get(`/v2/${session.name.path}/manifests/${tag}`, "HEAD"));
  });
}

function digestOf({ headers }: HttpResponse): string {
  const digest = headers["docker-content-digest"] ?? "";
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Refused("broken", "the manifest comes without its digest");
  return digest;
}

async function bytesOf(session: Session, text: string): Promise<number | null> {
  const list = index.safeParse(JSON.parse(text));
  const wanted = list.success
    ? list.data.manifests.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64")
    : undefined;
  const own =
    wanted === undefined
      ? text
      : await session.get(`/v2/${session.name.path}/manifests/${wanted.digest}`).then(textOf, none);
  const parsed = imageManifest.safeParse(own === null ? null : JSON.parse(own));
  if (!parsed.success) return null;
  return [parsed.data.config, ...parsed.data.layers].reduce((sum, { size }) => sum + size, 0);
}

const textOf = ({ text }: HttpResponse): string => text;
/** The size is for people and for the disk's sake: a registry that does not tell it still serves the image. */
const none = (): null => null;

class Refused extends Error {
  readonly why: RegistryProblem | "absent";

  constructor(why: RegistryProblem | "absent", message: string) {
    super(message);
    this.why = why;
  }
}

/** A few requests to one repository, with the anonymous token that its registry asks for. */
class Session {
  readonly name: ImageName;
  readonly #host: Host;
  readonly #signal: AbortSignal;
  #token: string | null = null;

  constructor(host: Host, name: ImageName, signal: AbortSignal) {
    this.#host = host;
    this.name = name;
    this.#signal = signal;
  }

  /** Throws Refused for anything but 200. */
  async get(path: string, method: "GET" | "HEAD" = "GET"): Promise<HttpResponse> {
    const first = await this.#ask(path, method);
    if (first.status !== 401 || this.#token !== null) return checked(first, path);
    this.#token = await this.#tokenFor(first.headers["www-authenticate"] ?? "");
    return checked(await this.#ask(path, method), path);
  }

  #ask(path: string, method: "GET" | "HEAD"): Promise<HttpResponse> {
    const authorization = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    return this.#host.http.request({
      url: `https://${this.name.registry}${path}`,
      method,
      headers: { accept: ACCEPT, ...authorization },
      deadlineMs: DEADLINE_MS,
      signal: this.#signal,
    });
  }

  /** The realm may be on another host, as gitlab.com's is; nothing but the wish to read is sent there. */
  async #tokenFor(challenge: string): Promise<string> {
    const { realm, service, scope } = parseChallenge(challenge);
    if (realm === undefined || !/^https?:\/\//.test(realm) || !URL.canParse(realm))
      throw new Refused("denied", "the registry wants a login");
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", scope ?? `repository:${this.name.path}:pull`);
    const answer = await this.#host.http.request({ url: url.href, deadlineMs: DEADLINE_MS, signal: this.#signal });
    const parsed = token.parse(JSON.parse(checked(answer, url.pathname).text));
    const value = parsed.token ?? parsed.access_token;
    if (value === undefined) throw new Refused("denied", "the registry gives no anonymous token");
    return value;
  }
}

function parseChallenge(text: string): Readonly<Record<string, string>> {
  if (!/^bearer /i.test(text)) return {};
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]));
}

function checked(answer: HttpResponse, path: string): HttpResponse {
  const { status } = answer;
  if (status === 200) return answer;
  const problem = `${path} answered ${status}`;
  if (status === 404) throw new Refused("absent", problem);
  if (status === 401 || status === 403) throw new Refused("denied", problem);
  throw new Refused(status === 429 ? "limited" : "broken", problem);
}

/** The path of the next page; a link that leads to another host is none. */
function nextPage(link: string | undefined, path: string): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, `https://registry${path}`)) return null;
  const url = new URL(target, `https://registry${path}`);
  return `${url.pathname}${url.search}`;
}

async function answered<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<RegistryAnswer<T>> {
  try {
    return { kind: "found", value: await ask() };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Refused && error.why === "absent") return { kind: "absent" };
    const problem = error instanceof Error ? error.message : String(error);
    return {
      kind: "failed",
      why: error instanceof Refused && error.why !== "absent" ? error.why : whyOf(error),
      problem,
    };
  }
}

function whyOf(error: unknown): RegistryProblem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/^(ENOTFOUND|EAI_)/.test(code)) return "name";
  if (/^(ECONN|ETIMEDOUT|EHOST|ENET|EPIPE)/.test(code)) return "unreachable";
  return /CERT|SIGNED|SIGNATURE|^ERR_TLS|^ERR_SSL|^EPROTO/.test(code) ? "tls" : "broken";
}
