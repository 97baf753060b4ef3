import { readdirSync } from "node:fs";
import { basename } from "node:path";

const FOLDERS = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

/**
 * True when a unit has a drop-in that systemd has not loaded. Its own NeedDaemonReload misses the first one in a
 * folder that was made after the last reload: it looks for folders in a cache. (Of files with one name in two folders
 * only one counts, so names are compared.)
 */
export function hasUnknownDropIn(unit: string, loaded: readonly string[]): boolean {
  const known = new Set(loaded.map((path) => basename(path)));
  return FOLDERS.some((folder) =>
    namesIn(`${folder}/${unit}.d`).some((name) => name.endsWith(".conf") && !known.has(name)),
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
