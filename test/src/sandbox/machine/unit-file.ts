import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { environmentFilesOf, environmentOf } from "@fettle/agent/resources/ollama/unit-file.ts";

/** A unit as its files say it, at the moment they were read. */
export interface UnitFile {
  readonly load: "loaded" | "not-found" | "masked";
  readonly fragmentPath: string;
  readonly dropIns: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What EnvironmentFile= names; the program gets it, and nobody is told. */
  readonly environmentFiles: readonly string[];
  readonly execStart: readonly string[];
  readonly user: string;
  readonly restart: "always" | "on-failure" | "no";
  readonly restartSec: number;
  readonly type: "simple" | "oneshot";
  /** What the program reads, on this computer; nothing when absent. */
  readonly standardInput?: string;
  /** Changes when any of the files does. */
  readonly fingerprint: string;
}

const FOLDERS = ["/etc/systemd/system", "/run/systemd/system", "/lib/systemd/system"];

/** Reads a unit below `root` the way systemd does: first fragment found, drop-ins of all folders by file name. */
export function readUnit(root: string, name: string): UnitFile {
  const fragmentPath = FOLDERS.map((folder) => `${folder}/${name}`).find((path) => exists(join(root, path))) ?? "";
  const masked = fragmentPath !== "" && linkOf(join(root, fragmentPath)) === "/dev/null";
  const dropIns = dropInsOf(root, name);
  const texts = masked
    ? []
    : [fragmentPath, ...dropIns].filter(Boolean).map((path) => readFileSync(join(root, path), "utf8"));
  const environment: Record<string, string> = {};
  for (const text of texts) {
    for (const [key, value] of environmentOf(text)) {
      if (key === "") for (const known of Object.keys(environment)) delete environment[known];
      else environment[key] = value;
    }
  }
  const last = (key: string) => texts.flatMap((text) => valuesOf(text, key)).at(-1) ?? "";
  return {
    load: masked ? "masked" : fragmentPath === "" ? "not-found" : "loaded",
    fragmentPath,
    dropIns,
    environment,
    environmentFiles: texts.flatMap(environmentFilesOf),
    execStart: last("ExecStart").split(/\s+/).filter(Boolean),
    user: last("User"),
    restart: last("Restart") === "always" ? "always" : last("Restart") === "on-failure" ? "on-failure" : "no",
    restartSec: Number.parseFloat(last("RestartSec") || "0.1"),
    type: last("Type") === "oneshot" ? "oneshot" : "simple",
    fingerprint: JSON.stringify([fragmentPath, dropIns, masked, texts]),
  };
}

function dropInsOf(root: string, name: string): string[] {
  const found = new Map<string, string>();
  for (const folder of [...FOLDERS].reverse()) {
    for (const file of listOf(join(root, folder, `${name}.d`))) {
      if (file.endsWith(".conf")) found.set(file, `${folder}/${name}.d/${file}`);
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

function valuesOf(text: string, key: string): string[] {
  return text.split("\n").flatMap((line) => {
    const at = line.indexOf("=");
    return line.slice(0, at).trim() === key ? [line.slice(at + 1).trim()] : [];
  });
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function linkOf(path: string): string {
  return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : "";
}
