import type { Files } from "../../system/files.ts";
import type { UnitState } from "../../system/units.ts";
import { DROP_IN_FOLDER, environmentFilesOf, environmentOf, OLLAMA_UNIT } from "./unit-file.ts";

/** A later folder's file hides one of the same name in an earlier one. */
const DROP_IN_FOLDERS = [
  `/usr/lib/systemd/system/${OLLAMA_UNIT}.d`,
  `/run/systemd/system/${OLLAMA_UNIT}.d`,
  DROP_IN_FOLDER,
];

/**
 * What the unit's files give a process that is started now: systemd's own answer lacks what EnvironmentFile= names, and
 * is of the past until the next daemon-reload.
 */
export async function environmentOnDisk(files: Files, unit: UnitState): Promise<ReadonlyMap<string, string>> {
  const paths = [...(unit.fragmentPath ? [unit.fragmentPath] : []), ...(await dropIns(files))];
  const texts = await Promise.all(paths.map(async (path) => (await files.readText(path)) ?? ""));
  const environment = new Map<string, string>();
  for (const [key, value] of texts.flatMap(environmentOf)) {
    if (key === "") environment.clear();
    else environment.set(key, value);
  }
  for (const path of texts.flatMap(environmentFilesOf))
    for (const [key, value] of await variablesOf(files, path)) environment.set(key, value);
  return environment;
}

async function dropIns(files: Files): Promise<string[]> {
  const byName = new Map<string, string>();
  for (const folder of DROP_IN_FOLDERS)
    for (const name of (await files.list(folder)) ?? [])
      if (name.endsWith(".conf")) byName.set(name, `${folder}/${name}`);
  return [...byName.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** `KEY=value` lines of a file that EnvironmentFile= names; quotes around a value are not part of it. */
export async function variablesOf(files: Files, path: string): Promise<ReadonlyArray<readonly [string, string]>> {
  const lines = ((await files.readText(path)) ?? "").split("\n");
  return lines.flatMap((line) => {
    const [, key, value = ""] = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value.replace(/^(["'])(.*)\1$/, "$2")] as const];
  });
}
