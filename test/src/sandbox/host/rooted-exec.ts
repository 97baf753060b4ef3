import { accessSync, constants } from "node:fs";
import type { Exec } from "@fettle/agent/system/exec.ts";
import type { Pty } from "@fettle/agent/system/pty.ts";
import { realExec } from "@fettle/agent/system/real/exec.ts";
import { realPty } from "@fettle/agent/system/real/pty.ts";

const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Only programs below the root exist on this machine; they run as they are. */
export function rootedExec(rooted: (path: string) => string): Exec {
  return {
    run: (argv, options) => realExec.run(rootedArgv(argv, rooted), options),
    find: async (program) => find(program, rooted),
  };
}

export function rootedPty(rooted: (path: string) => string): Pty {
  return { run: (argv, options) => realPty.run(rootedArgv(argv, rooted), options) };
}

function rootedArgv([program = "", ...args]: readonly string[], rooted: (path: string) => string): string[] {
  const path = find(program, rooted);
  // What is not there is left to fail as it fails on a real machine: by a path that does not exist.
  return [rooted(path ?? `/usr/bin/${program}`), ...args];
}

function find(program: string, rooted: (path: string) => string): string | null {
  const candidates = program.startsWith("/") ? [program] : FOLDERS.map((folder) => `${folder}/${program}`);
  return candidates.find((path) => isProgram(rooted(path))) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
