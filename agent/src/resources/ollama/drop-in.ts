import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { Files } from "../../system/files.ts";
import type { UnitState } from "../../system/units.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { variablesOf } from "./environment-on-disk.ts";
import {
  DROP_IN,
  DROP_IN_FOLDER,
  dropInText,
  environmentFilesOf,
  environmentOf,
  OLLAMA_UNIT,
  wantedEnvironment,
} from "./unit-file.ts";

interface Observed {
  readonly unit: UnitState;
  /** Our file's text; null when there is none. */
  readonly text: string | null;
  /** What is applied after our file, with its text: other drop-ins, and files that EnvironmentFile= names. */
  readonly later: ReadonlyArray<{ readonly file: string; readonly sets: readonly string[] }>;
}

/** `ollama.service.d/zz-fettle.conf`: OLLAMA_HOST and the declared environment, and nothing later that undoes it. */
export function dropIn(params: OllamaParams): Resource<Observed> {
  const wanted = wantedEnvironment(params);
  return define<Observed>({
    id: "ollama.drop-in",
    declared: wanted,
    after: ["ollama.install"],
    settleMs: 0,
    observe,
    diff: (observed) => diff(observed, wanted),
    apply: ({ host }) => host.files.writeAtomic(DROP_IN, dropInText(wanted), { mode: 0o644 }),
  });
}

async function observe({ host, pass }: ResourceContext): Promise<Observed> {
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const text = await host.files.readText(DROP_IN);
  return { unit, text, later: await laterFiles(host.files, unit) };
}

async function laterFiles(files: Files, unit: UnitState): Promise<Observed["later"]> {
  const onDisk = ((await files.list(DROP_IN_FOLDER)) ?? []).filter((name) => name.endsWith(".conf"));
  const paths = new Set([...unit.dropIns, ...onDisk.map((name) => `${DROP_IN_FOLDER}/${name}`)]);
  const all = [...paths].filter((path) => path !== DROP_IN);
  const found: Array<{ file: string; sets: string[] }> = [];
  for (const file of unit.fragmentPath ? [unit.fragmentPath, ...all] : all) {
    const text = (await files.readText(file)) ?? "";
    if (nameOf(file) > nameOf(DROP_IN) && file !== unit.fragmentPath)
      found.push({ file, sets: environmentOf(text).map(([key]) => key) });
    for (const path of environmentFilesOf(text))
      found.push({ file: path, sets: (await variablesOf(files, path)).map(([key]) => key) });
  }
  return found;
}

function diff({ unit, text, later }: Observed, wanted: Readonly<Record<string, string>>): Verdict {
  if (unit.load === "masked") return { kind: "blocked", code: "ollama.drop-in.masked", args: {} };
  for (const { file, sets } of later) {
    const key = sets.find((one) => one === "" || Object.hasOwn(wanted, one));
    if (key === undefined) continue;
    return { kind: "blocked", code: "ollama.drop-in.overridden", args: { file, key: key || "Environment=" } };
  }
  if (text === dropInText(wanted)) return { kind: "in-sync" };
  return { kind: "drift", changes: changes(text, wanted), disturbs: "none", breaking: false };
}

function changes(text: string | null, wanted: Readonly<Record<string, string>>): Change[] {
  const found = new Map(text === null ? [] : environmentOf(text));
  const keys = new Set([...Object.keys(wanted), ...found.keys()]);
  const values = [...keys].map((what) => ({ what, from: found.get(what) ?? null, to: wanted[what] ?? null }));
  const differing = values.filter(({ from, to }) => from !== to);
  return differing.length > 0 ? differing : [{ what: DROP_IN, from: "another text", to: "the declared text" }];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
