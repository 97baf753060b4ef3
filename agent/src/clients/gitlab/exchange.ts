import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../../system/host.ts";
import type { HttpRequest, HttpResponse } from "../../system/http.ts";
import type { GitlabAccess } from "./access.ts";

const DEADLINE_MS = 10_000;
const TLS = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/;

export interface Asked {
  readonly method?: NonNullable<HttpRequest["method"]>;
  /** With the leading slash. */
  readonly path: string;
  readonly body?: unknown;
  readonly deadlineMs?: number;
}

export interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * One call of GitLab's API. Throws FettleError: `gitlab.api.unreachable`, `gitlab.api.tls`, or `gitlab.api.page` when a
 * web page came instead of JSON (nginx's 502, the page shown during a deploy).
 */
export async function exchange(
  host: Host,
  access: GitlabAccess,
  asked: Asked,
  signal: AbortSignal,
): Promise<JsonAnswer> {
  const answer = await sent(host, access, asked, signal);
  const json = parsed(answer);
  if (json === undefined)
    throw new FettleError("gitlab.api.page", { status: answer.status, title: titleOf(answer.text) });
  return { status: answer.status, json };
}

async function sent(
  host: Host,
  { url, ca, token }: GitlabAccess,
  { method = "GET", path, body, deadlineMs = DEADLINE_MS }: Asked,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const headers = {
    accept: "application/json",
    ...(token && { "private-token": token.reveal() }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  try {
    return await host.http.request({
      url: `${url}${path}`,
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(ca !== null && { ca }),
      deadlineMs,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw failure(url, error);
  }
}

/** A network failure as a code. */
export function failure(url: string, error: unknown): FettleError {
  const code = (error as { code?: unknown } | null)?.code;
  const kind = typeof code === "string" && TLS.test(code) ? "gitlab.api.tls" : "gitlab.api.unreachable";
  return new FettleError(kind, { url, problem: messageOf(error).slice(0, 300) }, { cause: error });
}

/** undefined when it is no JSON. */
function parsed({ text, headers }: HttpResponse): unknown {
  if (headers["content-type"]?.includes("html")) return undefined;
  try {
    return text === "" ? null : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function titleOf(html: string): string {
  const title = /<title>([^<]*)<\/title>/i.exec(html)?.[1]?.trim();
  return (title || "a page without a title").slice(0, 120);
}
