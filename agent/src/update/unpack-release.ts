import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { ReleaseManifest } from "@fettle/shared/release/manifest.ts";
import * as z from "zod";
import type { Host } from "../system/host.ts";
import type { UpdateLayout } from "./layout.ts";

type UnpackHost = Pick<Host, "files" | "archives" | "exec">;

/** Of the numbers that systemd keeps free for nobody: no account, no other process has it. */
const NOBODYS = 60_551;
const COMMAND_MS = 60_000;
const UNPACK_MS = 300_000;

const releaseFile = z.object({ product: z.string(), version: z.string(), arch: z.string() });

/**
 * Unpacks a checked archive beside the other versions: as a user of no account, without a name or link that leads out of
 * it; then it is root's, has to say of itself what was signed, and gets its name. Resolves with the folder. Throws FettleError `update.unpack-failed` or `update.not-sound`.
 */
export async function unpackRelease(
  host: UnpackHost,
  { programs }: UpdateLayout,
  archive: string,
  manifest: ReleaseManifest,
  signal: AbortSignal,
): Promise<string> {
  const { version } = manifest;
  const into = `${programs}/.unpack-${version}`;
  const folder = `${programs}/${version}`;
  try {
    await host.files.removeTree(into);
    await host.files.makeFolder(into, { mode: 0o755, uid: NOBODYS, gid: NOBODYS });
    await unpack(host, archive, into, version, signal);
    await giveToRoot(host, into, version, signal);
    await prove(host, `${into}/${version}`, manifest, signal);
    await host.files.removeTree(folder);
    await host.files.rename(`${into}/${version}`, folder);
    return folder;
  } catch (error) {
    if (error instanceof FettleError || signal.aborted) throw error;
    throw broken(version, messageOf(error), error);
  } finally {
    await host.files.removeTree(into).catch(() => undefined);
  }
}

async function unpack(
  host: UnpackHost,
  archive: string,
  into: string,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  // Whatever the agent's umask is: nothing in it is secret.
  await host.exec.run(["chmod", "0644", archive], { timeoutMs: COMMAND_MS, signal });
  const options = { timeoutMs: UNPACK_MS, signal, uid: NOBODYS, gid: NOBODYS };
  const { code, timedOut, stderr } = await host.exec.run(host.archives.unpackCommand(archive, into), options);
  if (code === 0) return;
  const said = stderr
    .trim()
    .split("\n")
    .at(-1)
    ?.replace(/^unpack: /, "");
  throw broken(version, timedOut ? `it was not done in ${UNPACK_MS / 1000} s` : said || `it ended with ${code}`);
}

/** No link is gone through, and none is changed but as a link. */
async function giveToRoot(host: UnpackHost, into: string, version: string, signal: AbortSignal): Promise<void> {
  const argv = ["chown", "-R", "-h", "-P", "root:root", into];
  const { code, stderr } = await host.exec.run(argv, { timeoutMs: COMMAND_MS, signal });
  if (code !== 0) throw broken(version, stderr.trim());
}

/** It is what the manifest says, and its program runs on this machine. */
async function prove(host: UnpackHost, folder: string, manifest: ReleaseManifest, signal: AbortSignal): Promise<void> {
  const { product, version, arch } = manifest;
  const said = releaseFile.safeParse(parse((await host.files.readText(`${folder}/release.json`)) ?? ""));
  if (!said.success) throw unsound(version, "it has no release.json");
  const { product: itsProduct, version: itsVersion, arch: itsArch } = said.data;
  if (itsProduct !== product || itsVersion !== version || itsArch !== arch)
    throw unsound(version, `release.json says ${itsProduct} ${itsVersion} for ${itsArch}`);
  const argv = [`${folder}/bin/fettle-agent`, "--version"];
  const options = { timeoutMs: COMMAND_MS, signal, uid: NOBODYS, gid: NOBODYS };
  const run = await host.exec.run(argv, options).catch((error: unknown) => {
    throw unsound(version, messageOf(error), error);
  });
  const { code, stdout, stderr } = run;
  if (code === 0 && stdout.trim().split(" ").slice(0, 2).join(" ") === `fettle-agent ${version}`) return;
  throw unsound(version, `--version ends with ${code}: ${(stderr.trim() || stdout.trim()).slice(-300)}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function broken(version: string, problem: string, cause?: unknown): FettleError {
  return new FettleError("update.unpack-failed", { version, problem: problem.slice(0, 300) }, { cause });
}

function unsound(version: string, problem: string, cause?: unknown): FettleError {
  return new FettleError("update.not-sound", { version, problem: problem.slice(0, 400) }, { cause });
}
