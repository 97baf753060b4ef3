import { spawnSync } from "node:child_process";
import type { LabConfig } from "../config.ts";
import { Coordinator } from "../fettle/coordinator.ts";

/** The operator's command line at the lab's coordinator; gives its exit code. */
export function fettle(config: LabConfig, args: string[]): number {
  const { argv, env } = new Coordinator(config).commandLine(args);
  const [file = "", ...rest] = argv;
  return spawnSync(file, rest, { stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1;
}
