import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Reporter, ResourceContext } from "../resource.ts";
import { fetchProgram } from "./fetch-program.ts";
import { type Installation, leftOvers } from "./installation.ts";
import { installedProgram } from "./installed-program.ts";
import { storedProgram, storeFolders, switchTo, UNFINISHED, versionOf } from "./program-store.ts";
import { makeServiceUser, unprivilegedUser } from "./service-user.ts";
import { OLLAMA_UNIT, UNIT_FILE, unitText } from "./unit-file.ts";
import { discardUnpacking, unpackProgram } from "./unpack-program.ts";

/** Only a unit of ours, or the vendor's, asks for the user; any other unit names its own. */
export function needsUser({ unit, program, user }: Installation): boolean {
  return user === null && (unit.load === "not-found" || program.kind === "ours" || program.kind === "none");
}

/** Brings what is missing: user, program, unit; each step holds by itself, so that a crash between them loses nothing. */
export async function completeInstallation(
  ctx: ResourceContext,
  found: Installation,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { host, kept } = ctx;
  const { unit, program } = found;
  if (needsUser(found)) await makeServiceUser(host, signal);
  if (found.bring) {
    const folder = await wholeProgram(ctx, found, signal, reporter);
    await switchTo(host, folder, program.path, unit.mainPid);
    reporter.log(`${program.path} is ${folder}/bin/ollama now\n`);
  }
  if (unit.load === "not-found") {
    await host.files.writeAtomic(UNIT_FILE, unitText(program.path), { mode: 0o644 });
    await host.units.daemonReload();
  }
  if (found.leftOvers.some((path) => path.endsWith(UNFINISHED))) await discardUnpacking(host, kept);
  await removeLeftOvers(ctx, signal);
}

/** A whole program of the wanted version in the store: one that is there, or a new one. */
async function wholeProgram(
  ctx: ResourceContext,
  { wanted, arch, archive }: Installation,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<string> {
  const { host, kept } = ctx;
  for (const folder of await storeFolders(host.files)) {
    const version = versionOf(folder);
    if (version === wanted && (await storedProgram(host.files, folder, version)).missing === null) return folder;
  }
  if (archive === null) throw new FettleError("ollama.install.no-archive", { version: wanted, arch });
  const user = await unprivilegedUser(host.files);
  const path = await fetchProgram(ctx, archive, signal, reporter);
  const order = { sha256: archive.sha256, version: wanted, archive: path, user };
  return unpackProgram(host, kept, order, signal, reporter);
}

async function removeLeftOvers(ctx: ResourceContext, signal: AbortSignal): Promise<void> {
  const { host } = ctx;
  const unit = await host.units.show(OLLAMA_UNIT);
  const program = await installedProgram(host, unit, null);
  for (const path of await leftOvers(ctx, program, unit.mainPid)) {
    signal.throwIfAborted();
    await host.files.removeTree(path);
  }
}
