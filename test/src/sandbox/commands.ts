import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Programs } from "./programs.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * A folder to put into PATH, so that another terminal has the commands under the names that they have in a real stack:
 * `fettle` as on the coordinator's machine, `on NODE fettle-agent` as on a VM.
 */
export function writeCommands(sandbox: Sandbox, programs: Programs): string {
  const folder = join(sandbox.layout.folder, "bin");
  mkdirSync(folder);
  write(join(folder, "fettle"), [...exports(sandbox.cliEnv()), exec(programs.coordinator)]);
  write(join(folder, "fettle-agent"), [exec(programs.agent)]);
  const machine = join(sandbox.layout.folder, "$node/sandbox.json");
  write(join(folder, "on"), [
    "node=$1",
    "shift",
    `[ -f "${machine}" ] || { echo "usage: on gitlab-1|gateway-1|ollama-1 COMMAND" >&2; exit 1; }`,
    `FETTLE_SANDBOX_MACHINE="${machine}" exec "$@"`,
  ]);
  return folder;
}

function exports({ PATH, ...env }: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `export ${name}='${value}'`);
}

function exec(program: string): string {
  return `exec '${process.execPath}' '${program}' "$@"`;
}

function write(path: string, lines: readonly string[]): void {
  writeFileSync(path, `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
}
