/**
 * The keys that tokens are checked against: the gateway's own, then the GitLab instance's, then the portal's. Read on
 * the first token, kept for a day, and, unless told otherwise, kept also when a fetch failed: that is what makes a
 * gateway refuse every token until its restart although GitLab is back.
 */
import type { JsonWebKey } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fetchJson } from "./fetch-json.ts";
import { type LogLine, logException, PythonError } from "./log.ts";
import { ownPublicKeys } from "./self-signed.ts";
import type { Authority } from "./settings.ts";

export interface KeySetContext {
  authority: Authority;
  log: LogLine;
  now: () => number;
  timeoutMs: () => number;
  portalDelayMs: () => number;
  /** Ends the fetches under way. */
  closing: AbortSignal;
}

interface Loaded {
  keys: JsonWebKey[];
  /** Whether every provider answered. */
  whole: boolean;
}

export class KeySet {
  readonly #context: KeySetContext;
  #kept: { keys: JsonWebKey[]; until: number } | undefined;
  #loading: Promise<Loaded> | undefined;

  constructor(context: KeySetContext) {
    this.#context = context;
  }

  async keys(): Promise<JsonWebKey[]> {
    const { now, authority } = this.#context;
    if (this.#kept !== undefined && this.#kept.until > now()) return this.#kept.keys;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    const { keys, whole } = await this.#loading;
    if (whole || authority.cacheFailures) this.#kept = { keys, until: now() + authority.cacheMs };
    return keys;
  }

  /** The instance's keys alone, asked for now; undefined when it did not give any. */
  async gitlabKeys(): Promise<JsonWebKey[] | undefined> {
    return await this.#fromProvider("Gitlab", this.#context.authority.gitlabUrl);
  }

  async #load(): Promise<Loaded> {
    const { authority, log } = this.#context;
    const gitlab = await this.gitlabKeys();
    const portal = await this.#fromPortal();
    const keys = [...ownPublicKeys(authority, log), ...(gitlab ?? []), ...(portal ?? [])];
    log("info", "cloud_connector", "JWKS refreshed", {
      kids: keys.map((key) => key.kid),
      provider: "CompositeProvider",
    });
    return { keys, whole: gitlab !== undefined && portal !== undefined };
  }

  async #fromPortal(): Promise<JsonWebKey[] | undefined> {
    const { authority, portalDelayMs, closing } = this.#context;
    if (authority.portalUrl !== undefined) return await this.#fromProvider("CustomersDot", authority.portalUrl);
    await sleep(portalDelayMs(), undefined, { signal: closing }).catch(() => undefined);
    return [];
  }

  async #fromProvider(name: string, base: string): Promise<JsonWebKey[] | undefined> {
    const { log, authority, timeoutMs, closing } = this.#context;
    const options = { caBundle: authority.caBundle, timeoutMs: timeoutMs(), closing };
    try {
      const wellKnown = await fetchJson(rootJoin(base, "/.well-known/openid-configuration"), options);
      if (typeof wellKnown.jwks_uri !== "string") return undefined;
      const { keys } = await fetchJson(wellKnown.jwks_uri, options);
      return Array.isArray(keys) ? (keys as JsonWebKey[]) : undefined;
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      logException(log, error, { oidc_provider: name });
      return undefined;
    }
  }
}

/** Python's `urljoin` with an absolute path: a base without a scheme leaves the bare path. */
function rootJoin(base: string, path: string): string {
  return /^https?:\/\//.test(base) ? new URL(path, base).href : path;
}
