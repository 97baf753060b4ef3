import { dirname, join } from "node:path";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { OLLAMA_DEFAULT } from "@fettle/shared/roles/ollama.ts";
import type { OllamaArch } from "@fettle/shared/roles/ollama-archives.ts";
import { partBytes } from "../../clients/download.ts";
import type { UnitState } from "../../system/units.ts";
import type { ResourceContext } from "../resource.ts";
import { archivePath, DOWNLOADS } from "./fetch-program.ts";
import { type InstalledProgram, installedProgram } from "./installed-program.ts";
import { REPLACED, runsReplaced, STORE, storeFolders, UNFINISHED } from "./program-store.ts";
import { runningVersion } from "./running-version.ts";
import { type ServiceUser, serviceUser } from "./service-user.ts";
import { type OllamaArchive, SumRecord } from "./sum-record.ts";
import { OLLAMA_UNIT } from "./unit-file.ts";

/** Says where the archive of a version is; null when its sum is not known on this machine. */
export type FindArchive = (version: string, arch: OllamaArch) => OllamaArchive | null;

/** What there is of Ollama on a machine, and what would be brought. */
export interface Installation {
  readonly unit: UnitState;
  readonly program: InstalledProgram;
  /** Why a program is to be brought; null when the one that is there stays. */
  readonly bring: Change | null;
  /** Of the running process, or of a program of ours; null when it cannot be known. */
  readonly version: string | null;
  readonly user: ServiceUser | null;
  /** What would be installed. */
  readonly wanted: string;
  readonly arch: OllamaArch;
  readonly archive: OllamaArchive | null;
  /** What the last download was instead of the archive; null when it is to be tried. */
  readonly badSum: string | null;
  /** Free at the store, with what a download that goes on and an unfinished folder already take. */
  readonly freeBytes: number;
  /** Files and folders of ours that nothing uses any more. */
  readonly leftOvers: readonly string[];
  /** The library of the vendor's installer, when a program of ours has taken its place. */
  readonly oldLibrary: string | null;
}

/** Compressed it is below 2 GB, unpacked above 4 (facts: ollama.md section 1). */
export const NEEDED_BYTES = 6e9;

export async function lookAtInstallation(
  ctx: ResourceContext,
  declared: string,
  findArchive: FindArchive,
  signal: AbortSignal,
): Promise<Installation> {
  const { host, kept, pass } = ctx;
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const running = await runningVersion(ctx, unit, signal);
  const program = await installedProgram(host, unit, running);
  const { arch } = await pass.once("host:facts", () => host.metrics.facts());
  const wanted = wantedVersion(declared, program, (one) => findArchive(one, arch) !== null);
  const archive = findArchive(wanted, arch);
  const version = program.kind === "ours" ? program.stored.version : running;
  const bring = needsProgram(program, version, declared, wanted);
  return {
    unit,
    program,
    bring,
    version,
    user: await serviceUser(host.files),
    wanted,
    arch,
    archive,
    badSum: archive === null ? null : new SumRecord(kept).stands(archive.sha256, host.clock.now()),
    freeBytes: bring ? await freeBytes(ctx, archive) : Number.POSITIVE_INFINITY,
    leftOvers: bring ? [] : await leftOvers(ctx, program, unit.mainPid),
    oldLibrary: program.kind === "ours" ? await oldLibrary(ctx, program.path) : null,
  };
}

/** A program of ours is made whole at its own version, when that can be had. */
function wantedVersion(declared: string, program: InstalledProgram, known: (version: string) => boolean): string {
  if (declared !== "any") return declared;
  const ours = program.kind === "ours" ? program.stored.version : null;
  return ours !== null && known(ours) ? ours : OLLAMA_DEFAULT;
}

async function freeBytes({ host }: ResourceContext, archive: OllamaArchive | null): Promise<number> {
  const { freeBytes: free } = await host.files.space(STORE);
  const begun = archive === null ? 0 : await partBytes(host, archivePath(archive.sha256));
  const unfinished = (await storeFolders(host.files)).some((folder) => folder.endsWith(UNFINISHED));
  return free + begun + (unfinished ? NEEDED_BYTES : 0);
}

/** Files and folders of ours that nothing uses. */
export async function leftOvers({ host }: ResourceContext, program: InstalledProgram, pid: number): Promise<string[]> {
  const downloads = ((await host.files.list(DOWNLOADS)) ?? []).filter((name) => name.startsWith("ollama-"));
  const current = program.kind === "ours" ? program.stored.folder : null;
  const folders = (await storeFolders(host.files)).filter((folder) => folder !== current);
  const record = (await host.files.stat(REPLACED)) === null ? [] : [REPLACED];
  const unused = record.length > 0 && (await runsReplaced(host, pid)) ? [] : [...folders, ...record];
  return [...downloads.map((name) => join(DOWNLOADS, name)), ...unused];
}

async function oldLibrary({ host }: ResourceContext, path: string): Promise<string | null> {
  const folder = join(dirname(dirname(path)), "lib/ollama");
  return (await host.files.stat(folder)) === null ? null : folder;
}

function needsProgram(program: InstalledProgram, version: string | null, declared: string, to: string): Change | null {
  if (program.kind === "foreign") return null;
  if (program.kind === "none") return { what: program.path, from: null, to };
  if (declared !== "any" && version !== null && version !== declared) return { what: program.path, from: version, to };
  if (program.kind === "ours" && program.stored.missing !== null)
    return { what: program.path, from: `incomplete: ${program.stored.missing}`, to };
  return null;
}
