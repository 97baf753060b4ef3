import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { HttpRequest, HttpResponse } from "../../system/http.ts";
import type { GitlabAccess } from "./access.ts";
import { failure } from "./exchange.ts";

const PATH = "/-/readiness?all=1";
const DEADLINE_MS = 10_000;
const check = z.array(z.looseObject({ status: z.string(), message: z.string().optional() }));
const report = z.looseObject({ status: z.string().optional() });

export type Readiness =
  | { readonly kind: "ready" }
  /** Checks that fail, as in `db_check (unexpected Db check result: false)`. */
  | { readonly kind: "failing"; readonly checks: readonly string[] }
  /** This machine may not ask: GitLab shows its page for what does not exist. */
  | { readonly kind: "not-allowed" }
  /** A web page instead: 502 while the application does not run, 503 during a deploy. */
  | { readonly kind: "page"; readonly status: number }
  | { readonly kind: "down"; readonly problem: string };

/**
 * GitLab's own checks, asked for on loopback, where they are allowed without anything being set; where nothing listens
 * there, by the URL. The short form would look at the web server alone.
 */
export async function readiness(host: Host, access: GitlabAccess, signal: AbortSignal): Promise<Readiness> {
  const local = loopback(access);
  const here = local && meaning(await ask(host, local, access, signal));
  if (here && here.kind !== "down" && here.kind !== "not-allowed") return here;
  return meaning(await ask(host, { url: `${access.url}${PATH}` }, access, signal));
}

/** The same server by 127.0.0.1, under its own name; null where a name cannot be given (the URL is an address). */
function loopback({ url }: GitlabAccess): Pick<HttpRequest, "url" | "servername" | "headers"> | null {
  const { protocol, host, hostname, port, pathname } = new URL(url);
  if (protocol === "https:" && /^[\d.]+$|^\[/.test(hostname)) return null;
  const local = `${protocol}//127.0.0.1${port && `:${port}`}${pathname.replace(/\/$/, "")}${PATH}`;
  return { url: local, headers: { host }, ...(protocol === "https:" && { servername: hostname }) };
}

async function ask(
  host: Host,
  asked: Pick<HttpRequest, "url" | "servername" | "headers">,
  { url, ca }: GitlabAccess,
  signal: AbortSignal,
): Promise<HttpResponse | string> {
  try {
    return await host.http.request({ ...asked, ...(ca !== null && { ca }), deadlineMs: DEADLINE_MS, signal });
  } catch (error) {
    signal.throwIfAborted();
    return String(failure(url, error).args.problem);
  }
}

function meaning(answer: HttpResponse | string): Readiness {
  if (typeof answer === "string") return { kind: "down", problem: answer };
  const { status, text } = answer;
  const found = report.safeParse(json(text));
  if (!found.success) return status === 404 ? { kind: "not-allowed" } : { kind: "page", status };
  if (status === 200) return { kind: "ready" };
  const checks = Object.entries(found.data).flatMap(([name, value]) => failing(name, value));
  return { kind: "failing", checks: checks.length > 0 ? checks : [`status ${status}`] };
}

function failing(name: string, value: unknown): string[] {
  const parsed = check.safeParse(value);
  const bad = parsed.success ? parsed.data.filter(({ status }) => status !== "ok") : [];
  return bad.map(({ message }) => (message === undefined ? name : `${name} (${message})`).slice(0, 200));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
