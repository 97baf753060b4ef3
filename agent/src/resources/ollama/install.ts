import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { OLLAMA_DEFAULT, OLLAMA_FLOOR, type OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { completeInstallation, needsUser } from "./install-steps.ts";
import { type FindArchive, type Installation, lookAtInstallation, NEEDED_BYTES } from "./installation.ts";
import { STORE } from "./program-store.ts";
import { OLLAMA_UNIT } from "./unit-file.ts";

const LOOK_MS = 30_000;

/** Ollama, whole and at the wanted version, with the unit and the user that it runs as. */
export function install(params: OllamaParams, findArchive: FindArchive): Resource<Installation> {
  const look = (ctx: ResourceContext, signal: AbortSignal) =>
    lookAtInstallation(ctx, params.version, findArchive, signal);
  return define<Installation>({
    id: "ollama.install",
    declared: params.version,
    after: ["ollama.host"],
    long: true,
    lookMs: LOOK_MS,
    touches: ["unit:ollama", "ollama:"],
    observe: look,
    diff: (observed) => diff(observed, params.version),
    apply: async (ctx, _changes, signal, reporter) =>
      completeInstallation(ctx, await look(ctx, signal), signal, reporter),
    facts: ({ version }): Readonly<Record<string, string>> => (version ? { ollamaVersion: version } : {}),
  });
}

function diff(observed: Installation, declared: string): Verdict {
  const { unit, program, bring, leftOvers } = observed;
  const findings = findingsOf(observed);
  const held = heldUp(observed, declared);
  if (held) return { ...held, findings };
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

/** What a person must settle before anything is done. */
function heldUp({ unit, program, version }: Installation, declared: string): Verdict | null {
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
function cannotBring({ archive, wanted, arch, badSum, freeBytes }: Installation, changes: Change[]): Verdict | null {
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

function findingsOf({ oldLibrary }: Installation): ResourceFinding[] {
  return oldLibrary === null ? [] : [{ code: "ollama.install.old-library", args: { folder: oldLibrary } }];
}
