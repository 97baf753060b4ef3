import type { EngineClient } from "../../clients/engine/engine.ts";
import type { Executed } from "../../clients/engine/exec.ts";

export type Cause = "name" | "route" | "proxy" | "chain" | "clock" | "scheme";

export type Got =
  | { readonly kind: "answer"; readonly status: number; readonly text: string }
  | { readonly kind: "failed"; readonly cause: Cause; readonly problem: string }
  /** The image has no curl: nothing can be said. */
  | { readonly kind: "no-curl" };

const MAX_S = 10;
/** Runc takes its time on a busy machine. */
const EXEC_MS = 25_000;
const REPORT = "\\n%{http_code}";

/**
 * A GET from inside the container, by its own curl, with the container's resolver, routes and trust: exactly what the
 * gateway itself has.
 */
export async function getInside(
  engine: EngineClient,
  container: string,
  url: string,
  caFile: string | null,
  signal: AbortSignal,
): Promise<Got> {
  const trust = caFile === null ? [] : ["--cacert", caFile];
  const options = ["--silent", "--show-error", "--location", "--max-time", String(MAX_S), "--write-out", REPORT];
  const argv = ["curl", ...options, ...trust, "--url", url];
  const ran = await engine.execute(container, argv, { deadlineMs: EXEC_MS, signal });
  return ran.code === 0 ? answerIn(ran) : failureOf(ran, url);
}

function answerIn({ stdout }: Executed): Got {
  const at = stdout.lastIndexOf("\n");
  return { kind: "answer", status: Number(stdout.slice(at + 1)), text: stdout.slice(0, Math.max(0, at)) };
}

/** curl's exit codes, as its manual lists them. */
const NAME = 6;
const CHAIN: ReadonlySet<number> = new Set([51, 58, 59, 60, 66, 77, 80, 82, 83, 90, 91]);
const PROXY: ReadonlySet<number> = new Set([5, 97]);
const SCHEME: ReadonlySet<number> = new Set([1, 3]);
const NOT_THERE: ReadonlySet<number> = new Set([126, 127]);

function failureOf({ code, stdout, stderr }: Executed, url: string): Got {
  if (code !== null && NOT_THERE.has(code)) return { kind: "no-curl" };
  const said = /^curl: \(\d+\) (.*)$/m.exec(stderr)?.[1] ?? (stderr.trim() || stdout.trim());
  return { kind: "failed", cause: causeOf(code, said, url), problem: said.slice(0, 300) || `curl ended with ${code}` };
}

function causeOf(code: number | null, said: string, url: string): Cause {
  if (code === null) return "route";
  if (PROXY.has(code) || /proxy|CONNECT tunnel/i.test(said)) return "proxy";
  if (code === NAME) return "name";
  if (/not yet valid|has expired/.test(said)) return "clock";
  if (CHAIN.has(code)) return "chain";
  if (SCHEME.has(code)) return "scheme";
  // A handshake with something that does not speak TLS at all.
  if (code === 35)
    return url.startsWith("https:") && /wrong version|record|unknown protocol/.test(said) ? "scheme" : "chain";
  return "route";
}
