import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import * as z from "zod";
import type { EngineClient } from "../../clients/engine/engine.ts";
import { type Cause, type Got, getInside } from "./inside-get.ts";
import { CA_TARGET } from "./spec.ts";

export type GitlabLook =
  | { readonly kind: "reachable" }
  | { readonly kind: "unreachable"; readonly cause: Cause; readonly url: string; readonly problem: string }
  /** It answers, but is not well: that passes. */
  | { readonly kind: "down"; readonly url: string; readonly problem: string }
  /** What answers is no GitLab, or not at this address. */
  | { readonly kind: "wrong"; readonly url: string; readonly problem: string }
  | { readonly kind: "no-curl" };

const discovery = z.object({ jwks_uri: z.string().regex(/^https?:\/\//) });
const keySet = z.object({ keys: z.array(z.unknown()).min(1) });

/** The discovery document and the keys behind it, fetched as the gateway fetches them: from its inside. */
export async function lookAtGitlab(
  engine: EngineClient,
  container: string,
  { gitlabUrl, caBundle }: GatewayParams,
  signal: AbortSignal,
): Promise<GitlabLook> {
  const ca = caBundle === undefined ? null : CA_TARGET;
  // The gateway resolves this path against the root, also below a relative URL (facts: gitlab-duo.md section 4.2).
  const url = new URL("/.well-known/openid-configuration", gitlabUrl).href;
  const document = judge(await getInside(engine, container, url, ca, signal), url, discovery, "no discovery document");
  if (document.kind !== "good") return document;
  const { jwks_uri } = document.value;
  const keys = judge(await getInside(engine, container, jwks_uri, ca, signal), jwks_uri, keySet, "no keys");
  return keys.kind === "good" ? { kind: "reachable" } : keys;
}

type Judged<T> = { readonly kind: "good"; readonly value: T } | Exclude<GitlabLook, { kind: "reachable" }>;

function judge<T>(got: Got, url: string, schema: z.ZodType<T>, missing: string): Judged<T> {
  if (got.kind === "no-curl") return got;
  if (got.kind === "failed") return { kind: "unreachable", cause: got.cause, url, problem: got.problem };
  const { status, text } = got;
  const problem = `status ${status}`;
  if (status === 407) return { kind: "unreachable", cause: "proxy", url, problem };
  // What a web server with TLS says to a client without.
  if (status === 400 && url.startsWith("http:")) return { kind: "unreachable", cause: "scheme", url, problem };
  if (status >= 500) return { kind: "down", url, problem };
  if (status !== 200) return { kind: "wrong", url, problem };
  const parsed = schema.safeParse(jsonOf(text));
  return parsed.success ? { kind: "good", value: parsed.data } : { kind: "wrong", url, problem: missing };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
