import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { systemError } from "./system-error.ts";

const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** What every child process gets, and nothing else of the agent's environment. */
export const BASE_ENV = { PATH: FOLDERS.join(":"), LANG: "C" };

/** The path of a program in the fixed PATH, or null. The agent's own PATH has no say. */
export async function findProgram(name: string): Promise<string | null> {
  if (isAbsolute(name)) return (await isProgram(name)) ? name : null;
  if (name === "" || name.includes("/")) return null;
  for (const folder of FOLDERS) {
    const path = `${folder}/${name}`;
    if (await isProgram(path)) return path;
  }
  return null;
}

/** As `findProgram`, but throws: `code` ENOENT, or EACCES for a path that may not be run. */
export async function mustFindProgram(argv: readonly string[]): Promise<string> {
  const name = argv[0] ?? "";
  if (isAbsolute(name)) {
    await access(name, constants.X_OK);
    return name;
  }
  const path = await findProgram(name);
  if (path === null) throw systemError("ENOENT", `${name || "an empty argv"}: no such program`);
  return path;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
