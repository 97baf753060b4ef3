import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";

/** Where a coordinator elsewhere is, and how this user is known there. */
const login = z.object({
  url: z.url({ protocol: /^https$/ }),
  /** The CA's certificate, PEM. */
  ca: z.string().min(1),
  /** The fixed name in the coordinator's certificate, whatever address it has. */
  name: z.string().min(1),
  token: z.string().min(1),
});
export type Login = z.infer<typeof login>;

type Environment = Readonly<Record<string, string | undefined>>;

/** $XDG_CONFIG_HOME/fettle/login.json, else below ~/.config; null for a user without a home. */
export function loginPath({ XDG_CONFIG_HOME, HOME }: Environment): string | null {
  if (XDG_CONFIG_HOME && isAbsolute(XDG_CONFIG_HOME)) return join(XDG_CONFIG_HOME, "fettle/login.json");
  return HOME && isAbsolute(HOME) ? join(HOME, ".config/fettle/login.json") : null;
}

/** The stored login, null when there is none. Throws `cli.bad-login`. */
export function readLogin(environment: Environment): Login | null {
  const path = loginPath(environment);
  if (path === null) return null;
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw bad(path, "others can read it");
    return login.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (error instanceof FettleError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw bad(path, messageOf(error).split("\n")[0] ?? "");
  }
}

/** Stores it for this user alone. Throws `cli.bad-login`. */
export function writeLogin(environment: Environment, value: Login): string {
  const path = loginPath(environment);
  if (path === null) throw bad("login.json", "neither HOME nor XDG_CONFIG_HOME says where it belongs");
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    chmodSync(`${path}.new`, 0o600);
    renameSync(`${path}.new`, path);
    return path;
  } catch (error) {
    throw bad(path, messageOf(error));
  }
}

/** Whether there was one. */
export function removeLogin(environment: Environment): boolean {
  const path = loginPath(environment);
  if (path === null || statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  rmSync(path);
  return true;
}

function bad(file: string, problem: string): FettleError {
  return new FettleError("cli.bad-login", { file, problem });
}
