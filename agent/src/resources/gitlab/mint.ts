import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import * as z from "zod";
import type { WriteOptions } from "../../system/files.ts";
import type { Host } from "../../system/host.ts";
import type { Reporter } from "../resource.ts";
import { MINT_SCRIPT } from "./mint-script.ts";

/** Outside the agent's own folders, which GitLab's user cannot enter; on a real machine in memory. */
const FOLDER = "/run/fettle-gitlab-token";
const PARAMS = `${FOLDER}/params.json`;
const PIPE = `${FOLDER}/token`;
const RUNNER_MS = 300_000;
const PIPE_END_MS = 500;
const LARGEST = 4_096;
const TAIL = 4_000;
/** As GitLab lists it. */
export const TOKEN_NAME = "fettle";
export const SCOPES = ["api", "admin_mode"] as const;
const made = z.object({ token: z.string().min(1) });

/**
 * A new token by `gitlab-rails runner`. Its words go to the run's log, the token comes on a pipe of its own, and
 * `remember` knows it before anything else does. Throws FettleError `gitlab.token.…`.
 */
export async function mintToken(
  host: Host,
  { actor, expiresAt, remember }: { actor: string; expiresAt: string; remember: (secret: string) => void },
  signal: AbortSignal,
  reporter: Reporter,
): Promise<Secret> {
  const owner = await gitOwner(host);
  const params = JSON.stringify({ actor, name: TOKEN_NAME, scopes: SCOPES, expiresAt });
  try {
    await host.files.makeFolder(FOLDER, { mode: 0o700, ...owner });
    await host.files.writeAtomic(PARAMS, params, { mode: 0o600, ...owner });
    await host.files.makeFifo(PIPE, 0o600);
    await own(host, owner);
    const { text, terminal, ended } = await runner(host, signal, reporter);
    const parsed = made.safeParse(json(text));
    if (!parsed.success) throw failed(actor, terminal, ended);
    remember(parsed.data.token);
    return new Secret(parsed.data.token);
  } finally {
    await host.files.removeTree(FOLDER);
  }
}

/** Reads the pipe while the runner works; a runner that ends without opening it ends the reading. */
async function runner(host: Host, signal: AbortSignal, reporter: Reporter) {
  const stop = new AbortController();
  const reading = host.files.readFifo(PIPE, LARGEST, AbortSignal.any([signal, stop.signal]));
  const text = reading.catch(() => "");
  let terminal = "";
  const onData = (part: string) => {
    reporter.log(part);
    terminal = (terminal + part).slice(-TAIL);
  };
  const argv = ["gitlab-rails", "runner", MINT_SCRIPT, PARAMS, PIPE];
  try {
    const ended = await host.pty.run(argv, { timeoutMs: RUNNER_MS, signal, onData });
    signal.throwIfAborted();
    // What it wrote may still be on its way; a pipe that was never opened has no end of its own.
    const rest = host.clock.sleep(PIPE_END_MS, stop.signal).then(
      () => "",
      () => "",
    );
    return { text: await Promise.race([text, rest]), terminal, ended };
  } finally {
    stop.abort(new Error("the runner ended"));
    await text;
  }
}

/** GitLab's programs run as the user git, who must be able to open what is made here; nobody else may. */
async function gitOwner({ files }: Host): Promise<Pick<WriteOptions, "uid" | "gid">> {
  const line = /^git:[^:]*:(\d+):(\d+):/m.exec((await files.readText("/etc/passwd")) ?? "");
  return line ? { uid: Number(line[1]), gid: Number(line[2]) } : {};
}

async function own({ exec }: Host, { uid, gid }: Pick<WriteOptions, "uid" | "gid">): Promise<void> {
  if (uid === undefined) return;
  await exec.run(["chown", `${uid}:${gid}`, PIPE], { timeoutMs: 5_000 });
}

function failed(actor: string, terminal: string, ended: { code: number | null; timedOut: boolean }): FettleError {
  if (ended.timedOut) return new FettleError("gitlab.token.mint-failed", { actor, problem: "it did not end in time" });
  const problem = lastLine(terminal) || `status ${ended.code ?? "unknown"}`;
  if (/RecordNotFound|Couldn't find User/.test(terminal))
    return new FettleError("gitlab.token.actor-unknown", { actor });
  if (/ReadOnlySqlTransaction/.test(terminal))
    return new FettleError("gitlab.writable.readonly", { why: "its database is read-only" });
  if (/RecordInvalid|Validation failed/.test(terminal))
    return new FettleError("gitlab.token.mint-refused", { actor, problem });
  return new FettleError("gitlab.token.mint-failed", { actor, problem });
}

function lastLine(terminal: string): string {
  const lines = terminal.split(/\r?\n/).map((line) => line.trim());
  return (lines.filter((line) => line !== "").at(-1) ?? "").slice(0, 300);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
