import * as z from "zod";
import type { EngineClient } from "../../clients/engine/engine.ts";

/** A failure of the gateway to read GitLab's keys, as its log tells it. */
export interface KeyFailure {
  /** As the Engine writes times. */
  readonly at: string;
  readonly text: string;
}

const entry = z.object({
  message: z.string(),
  level: z.string().optional(),
  oidc_provider: z.string().optional(),
  extra: z.object({ oidc_provider: z.string().optional() }).optional(),
});

/** Said when a start or a request found no keys at all (facts: gitlab-duo.md sections 4.3 and 6). */
const NO_KEYS = /Could not prefetch keys|Failed to initialize OIDC auth provider|No keys founds? in JWKS/;
/**
 * What a fetch from GitLab failed with. A token whose signature is wrong is none of these: anybody can send one, and
 * nobody from outside is to make the gateway restart.
 */
const GITLAB = /^gitlab$/i;

/** The last such failure from `since` on, and the time of the last line that was read; looks at messages alone. */
export async function keyFailures(
  engine: EngineClient,
  container: string,
  since: string,
  signal: AbortSignal,
): Promise<{ readonly last: KeyFailure | null; readonly readTo: string }> {
  let last: KeyFailure | null = null;
  let readTo = since;
  for await (const { at, text } of engine.logs(container, { since }, signal)) {
    readTo = at;
    const failure = failureIn(text);
    if (failure !== null) last = { at, text: failure.slice(0, 200) };
  }
  return { last, readTo };
}

function failureIn(line: string): string | null {
  if (!line.startsWith("{") || !/OIDC|oidc|JWKS|prefetch/.test(line)) return null;
  const parsed = entry.safeParse(jsonOf(line));
  if (!parsed.success) return null;
  const { message, level, extra, oidc_provider = extra?.oidc_provider ?? "" } = parsed.data;
  if (NO_KEYS.test(message)) return message;
  return level === "error" && GITLAB.test(oidc_provider) ? message : null;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
