import { dirname, join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { OLLAMA_DEFAULT, OLLAMA_FLOOR, type OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { OllamaArch } from "@fettle/shared/roles/ollama-archives.ts";
import { partBytes } from "../../clients/download.ts";
import type { UnitState } from "../../system/units.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { archivePath, DOWNLOADS, fetchProgram } from "./fetch-program.ts";
import { type InstalledProgram, installedProgram } from "./installed-program.ts";
import {
  REPLACED,
  runsReplaced,
  STORE,
  storedProgram,
  storeFolders,
  switchTo,
  UNFINISHED,
  versionOf,
} from "./program-store.ts";
import { runningVersion } from "./running-version.ts";
import { makeServiceUser, type ServiceUser, serviceUser, unprivilegedUser } from "./service-user.ts";
import { type OllamaArchive, SumRecord } from "./sum-record.ts";
import { OLLAMA_UNIT, UNIT_FILE, unitText } from "./unit-file.ts";
import { discardUnpacking, unpackProgram } from "./unpack-program.ts";
import { compareVersions } from "./versions.ts";

/** Says where the archive of a version is; null when its sum is not known on this machine. */
export type FindArchive = (version: string, arch: OllamaArch) => OllamaArchive | null;

interface Observed {
  readonly unit: UnitState;
  readonly program: InstalledProgram;
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
const NEEDED_BYTES = 6e9;
const LOOK_MS = 30_000;

/** Ollama, whole and at the wanted version, with the unit and the user that it runs as. */
export function install(params: OllamaParams, findArchive: FindArchive): Resource<Observed> {
  const look = (ctx: ResourceContext, signal: AbortSignal) => observe(ctx, params.version, findArchive, signal);
  return define<Observed>({
    id: "ollama.install",
    declared: params.version,
    after: ["ollama.host"],
    long: true,
    lookMs: LOOK_MS,
    touches: ["unit:ollama", "ollama:"],
    observe: look,
    diff: (observed) => diff(observed, params.version),
    apply: async (ctx, _changes, signal, reporter) =>
      apply(ctx, await look(ctx, signal), params.version, signal, reporter),
    facts: ({ version }): Readonly<Record<string, string>> => (version ? { ollamaVersion: version } : {}),
  });
}

async function observe(
  ctx: ResourceContext,
  declared: string,
  findArchive: FindArchive,
  signal: AbortSignal,
): Promise<Observed> {
  const { host, kept, pass } = ctx;
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const running = await runningVersion(ctx, unit, signal);
  const program = await installedProgram(host, unit, running);
  const { arch } = await pass.once("host:facts", () => host.metrics.facts());
  const wanted = wantedVersion(declared, program, (one) => findArchive(one, arch) !== null);
  const archive = findArchive(wanted, arch);
  const version = program.kind === "ours" ? program.stored.version : running;
  const needed = needsProgram(program, version, declared, wanted) !== null;
  return {
    unit,
    program,
    version,
    user: await serviceUser(host.files),
    wanted,
    arch,
    archive,
    badSum: archive === null ? null : new SumRecord(kept).stands(archive.sha256, host.clock.now()),
    freeBytes: needed ? await freeBytes(ctx, archive) : Number.POSITIVE_INFINITY,
    leftOvers: needed ? [] : await leftOvers(ctx, program, unit.mainPid),
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

async function leftOvers({ host }: ResourceContext, program: InstalledProgram, pid: number): Promise<string[]> {
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

/** Why a program is to be brought, as a change; null when the one that is there stays. */
function needsProgram(program: InstalledProgram, version: string | null, declared: string, to: string): Change | null {
  if (program.kind === "foreign") return null;
  if (program.kind === "none") return { what: program.path, from: null, to };
  if (declared !== "any" && version !== null && version !== declared) return { what: program.path, from: version, to };
  if (program.kind === "ours" && program.stored.missing !== null)
    return { what: program.path, from: `incomplete: ${program.stored.missing}`, to };
  return null;
}

function diff(observed: Observed, declared: string): Verdict {
  const { unit, program, version, wanted, leftOvers } = observed;
  const findings = findingsOf(observed);
  const held = heldUp(observed, declared);
  if (held) return { ...held, findings };
  const bring = needsProgram(program, version, declared, wanted);
  const changes: Change[] = bring ? [bring] : [];
  if (unit.load === "not-found") changes.push({ what: OLLAMA_UNIT, from: null, to: `starts ${program.path}` });
  if (needsUser(observed)) changes.push({ what: "user ollama", from: null, to: "present" });
  if (bring) {
    const missing = cannotBring(observed, changes);
    if (missing) return { ...missing, findings };
  }
  for (const path of leftOvers) changes.push({ what: path, from: "left over", to: null });
  if (changes.length === 0) return { kind: "in-sync", findings };
  const creates = bring?.from === null ? `Ollama ${observed.wanted}, its user and ${OLLAMA_UNIT}` : null;
  return {
    kind: "drift",
    changes,
    disturbs: "none",
    breaking: bring !== null,
    findings,
    ...(bring ? { downloadBytes: null } : {}),
    ...(creates ? { creates } : {}),
  };
}

/** Only a unit of ours, or the vendor's, asks for the user; any other unit names its own. */
function needsUser({ unit, program, user }: Observed): boolean {
  return user === null && (unit.load === "not-found" || program.kind === "ours" || program.kind === "none");
}

/** What a person must settle before anything is done. */
function heldUp({ unit, program, version }: Observed, declared: string): Verdict | null {
  if (program.kind === "foreign")
    return { kind: "blocked", code: "ollama.install.foreign", args: { program: program.path } };
  if (unit.load === "masked" && program.kind === "none")
    return { kind: "blocked", code: "ollama.service.masked", args: {} };
  const upgrade = declared !== "any" && version !== declared;
  if (version !== null && !upgrade && compareVersions(version, OLLAMA_FLOOR) < 0) {
    const args = { found: version, floor: OLLAMA_FLOOR, proposed: OLLAMA_DEFAULT };
    return { kind: "blocked", code: "ollama.install.below-floor", args };
  }
  if (program.kind === "theirs" && program.missing !== null && !(upgrade && version !== null)) {
    const args = { missing: program.missing, program: program.path };
    return { kind: "blocked", code: "ollama.install.incomplete", args };
  }
  return null;
}

/** Why the archive cannot be brought now. */
function cannotBring({ archive, wanted, arch, badSum, freeBytes }: Observed, changes: Change[]): Verdict | null {
  if (archive === null)
    return { kind: "blocked", code: "ollama.install.no-archive", args: { version: wanted, arch }, changes };
  if (badSum !== null) {
    const args = { url: archive.url, found: badSum, wanted: archive.sha256 };
    return { kind: "blocked", code: "ollama.install.sum-differs", args, changes };
  }
  if (freeBytes >= NEEDED_BYTES) return null;
  return { kind: "blocked", code: "ollama.install.disk-full", args: spaceArgs(freeBytes), changes };
}

function spaceArgs(free: number) {
  return { needed: gigabytes(NEEDED_BYTES), free: gigabytes(free), folder: STORE };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function findingsOf({ oldLibrary }: Observed): ResourceFinding[] {
  return oldLibrary === null ? [] : [{ code: "ollama.install.old-library", args: { folder: oldLibrary } }];
}

async function apply(
  ctx: ResourceContext,
  found: Observed,
  declared: string,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { host, kept } = ctx;
  const { unit, program } = found;
  if (needsUser(found)) await makeServiceUser(host, signal);
  if (needsProgram(program, found.version, declared, found.wanted) !== null) {
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
  { wanted, arch, archive }: Observed,
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
