import { dirname } from "node:path";
import type { Files } from "../system/files.ts";

/** Where the agent's installation lies; the rest is told by the environment. */
export const PROGRAM = "/opt/fettle-agent";
export const COMMAND = "/usr/local/bin/fettle-agent";
const UNITS = "/etc/systemd/system";
/** Where systemd has the files of transient units. */
const TRANSIENT = "/run/systemd/transient";
/** Made outside the agent's own folders, for as long as a GitLab token is being made. */
const TOKEN_FOLDER = "/run/fettle-gitlab-token";
/** An installation that was cut off leaves it; in memory, so not for long. */
const INSTALL_FOLDER = "/run/fettle-agent-install";

/** What the printed line downloads into the folder that it is pasted in, and how that begins. */
const SCRIPT = "fettle-install.sh";
const SCRIPT_SAYS = "Installs Fettle's agent on this machine";

const OWN_UNIT = /^fettle-agent(?:-[a-z0-9-]+)?\.(?:service|timer|path|socket)$/;
const HALF_WRITTEN = /^\..+\.fettle-new$/;

export interface Places {
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly configPath: string;
}

/** What there is of the agent on this machine. */
export interface OwnParts {
  /** Units by name, guards before what they guard. */
  readonly units: readonly string[];
  /** Their files, drop-in folders and links. */
  readonly unitPaths: readonly string[];
  /** Configuration, identity, secrets, records, sockets. */
  readonly dataPaths: readonly string[];
  /** The program; goes last, so that an uninstall that was cut short can be run again. */
  readonly programPaths: readonly string[];
  /** Units that the agent started and that outlived it, by name. */
  readonly transient: readonly string[];
}

export function isNothing({ units, unitPaths, dataPaths, programPaths, transient }: OwnParts): boolean {
  return [units, unitPaths, dataPaths, programPaths, transient].every((list) => list.length === 0);
}

export async function ownParts(files: Files, places: Places): Promise<OwnParts> {
  const entries = (await files.list(UNITS)) ?? [];
  const units = entries.filter((name) => OWN_UNIT.test(name));
  const { dataFolder, runFolder, configPath } = places;
  const halves = await halfWritten(files, [UNITS, dirname(configPath)], [...units, "agent.yaml"]);
  const data = [
    configPath,
    dataFolder,
    runFolder,
    TOKEN_FOLDER,
    INSTALL_FOLDER,
    ...halves,
    ...(await downloaded(files)),
  ];
  return {
    units: [...units].sort((a, b) => b.length - a.length),
    unitPaths: await unitPaths(files, entries),
    dataPaths: await present(files, data),
    programPaths: await programPaths(files),
    transient: ((await files.list(TRANSIENT)) ?? []).filter((name) => /^fettle-.+\.service$/.test(name)),
  };
}

async function unitPaths(files: Files, entries: readonly string[]): Promise<string[]> {
  const own = entries.filter((name) => OWN_UNIT.test(name.replace(/\.d$/, ""))).map((name) => `${UNITS}/${name}`);
  const links: string[] = [];
  for (const folder of entries.filter((name) => /\.(wants|requires)$/.test(name)))
    for (const name of (await files.list(`${UNITS}/${folder}`)) ?? [])
      if (OWN_UNIT.test(name)) links.push(`${UNITS}/${folder}/${name}`);
  // Links first: systemd minds a link to nothing more than a unit that nothing starts.
  return [...links, ...own];
}

async function programPaths(files: Files): Promise<string[]> {
  const command = (await files.stat(COMMAND)) !== null && (await isOurs(files, COMMAND)) ? [COMMAND] : [];
  return [...(await present(files, [PROGRAM])), ...command];
}

/** A link into the program's folder, or a small script that names it. */
async function isOurs(files: Files, path: string): Promise<boolean> {
  const target = await files.readLink(path).catch(() => null);
  const text = target ?? (await files.readText(path).catch(() => null)) ?? "";
  return text.includes(`${PROGRAM}/`);
}

/** What an atomic write leaves when it is cut short. */
async function halfWritten(files: Files, folders: readonly string[], of: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders)
    for (const name of (await files.list(folder)) ?? [])
      if (HALF_WRITTEN.test(name) && of.includes(name.slice(1, -".fettle-new".length))) found.push(`${folder}/${name}`);
  return found;
}

/** Where people paste: their homes. A file of that name that says something else is theirs. */
async function downloaded(files: Files): Promise<string[]> {
  const homes = ["/root", ...((await files.list("/home")) ?? []).map((name) => `/home/${name}`)];
  const found: string[] = [];
  for (const path of homes.map((home) => `${home}/${SCRIPT}`)) {
    if ((await files.stat(path).catch(() => null))?.kind !== "file") continue;
    if ((await files.readText(path).catch(() => null))?.includes(SCRIPT_SAYS)) found.push(path);
  }
  return found;
}

async function present(files: Files, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) if ((await files.stat(path)) !== null) found.push(path);
  return found;
}
