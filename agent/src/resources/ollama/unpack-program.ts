import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../../system/host.ts";
import type { UnitState } from "../../system/units.ts";
import type { Kept, Reporter } from "../resource.ts";
import { nextFolder, STORE, storeFolders, UNFINISHED } from "./program-store.ts";
import type { ServiceUser } from "./service-user.ts";

const NAME = "fettle-ollama-unpack";
const UNIT = `${NAME}.service`;
const LOOK_MS = 300;
const COMMAND_MS = 120_000;

/** What is being unpacked; kept, so that an agent that was restarted meanwhile finds it again. */
interface Unpacking {
  readonly sha256: string;
  /** The finished folder's path. */
  readonly folder: string;
}

const KEY = "unpacking";

/**
 * Unpacks an archive into a folder of the store, as an unprivileged user in a unit that outlives the agent, and gives
 * it to root. Resolves with the folder; one that an earlier life of the agent began is gone on with.
 */
export async function unpackProgram(
  host: Host,
  kept: Kept,
  order: { readonly sha256: string; readonly version: string; readonly archive: string; readonly user: ServiceUser },
  signal: AbortSignal,
  reporter: Reporter,
): Promise<string> {
  const { sha256, version, archive, user } = order;
  const begun = await underWay(host, kept, sha256);
  const folder = begun ?? nextFolder(version, await storeFolders(host.files));
  const into = `${folder}${UNFINISHED}`;
  if (begun === null) {
    await discardUnpacking(host, kept);
    await host.files.makeFolder(STORE, { mode: 0o755 });
    await host.files.makeFolder(into, { mode: 0o755, uid: user.uid, gid: user.gid });
    kept.set(KEY, JSON.stringify({ sha256, folder } satisfies Unpacking));
    const unit = host.archives.unpackUnit({ unit: NAME, archive, into, user: user.name });
    await host.units.runTransient(unit, { signal });
  }
  await ended(host, kept, signal, reporter);
  await giveToRoot(host, into, signal);
  await host.files.rename(into, folder);
  kept.delete(KEY);
  await host.units.stop(UNIT);
  return folder;
}

/** Ends and removes whatever was being unpacked. */
export async function discardUnpacking(host: Host, kept: Kept): Promise<void> {
  const state = await host.units.show(UNIT);
  if (state.active === "failed") await host.units.resetFailed(UNIT);
  else if (state.load !== "not-found") await host.units.stop(UNIT);
  for (const folder of await storeFolders(host.files))
    if (folder.endsWith(UNFINISHED)) await host.files.removeTree(folder);
  kept.delete(KEY);
}

/** The folder that an earlier life began to fill with the same archive, when its unit is still known. */
async function underWay(host: Host, kept: Kept, sha256: string): Promise<string | null> {
  const known = JSON.parse(kept.get(KEY) ?? "null") as Unpacking | null;
  if (known === null || known.sha256 !== sha256) return null;
  const state = await host.units.show(UNIT);
  const there = await host.files.stat(`${known.folder}${UNFINISHED}`);
  return there !== null && (isRunning(state) || hasSucceeded(state)) ? known.folder : null;
}

async function ended(host: Host, kept: Kept, signal: AbortSignal, reporter: Reporter): Promise<void> {
  for (;;) {
    const state = await host.units.show(UNIT);
    if (hasSucceeded(state)) return;
    if (!isRunning(state)) throw await failure(host, kept);
    const [line = ""] = await host.units.journal(UNIT, 1);
    const [, done, total] = /^unpacked (\d+) of (\d+)$/.exec(line) ?? [];
    reporter.progress({
      text: "unpacking Ollama",
      ...(done ? { doneBytes: Number(done), totalBytes: Number(total) } : {}),
    });
    await host.clock.sleep(LOOK_MS, signal);
  }
}

async function failure(host: Host, kept: Kept): Promise<FettleError> {
  const lines = await host.units.journal(UNIT, 20);
  const said = lines.findLast((line) => line.startsWith("unpack: "))?.slice("unpack: ".length);
  await discardUnpacking(host, kept);
  // systemd's own words, when the program could not even be started.
  const problem = said ?? lines.find((line) => line.includes("Failed ")) ?? lines.at(-1) ?? "it ended without a word";
  return new FettleError("ollama.install.unpack-failed", { problem: problem.slice(0, 300) });
}

/** The tree is not followed out of itself: no link is gone through, and none is changed but as a link. */
async function giveToRoot(host: Host, folder: string, signal: AbortSignal): Promise<void> {
  const argv = ["chown", "-R", "-h", "-P", "root:root", folder];
  const { code, stderr } = await host.exec.run(argv, { timeoutMs: COMMAND_MS, signal });
  if (code !== 0) throw new FettleError("ollama.install.unpack-failed", { problem: stderr.trim().slice(0, 300) });
}

function isRunning({ load, active, sub }: UnitState): boolean {
  return load !== "not-found" && (active === "activating" || (active === "active" && sub !== "exited"));
}

function hasSucceeded({ active, sub }: UnitState): boolean {
  return active === "active" && sub === "exited";
}
