import { spawnSync } from "node:child_process";
import type { LabConfig } from "../config.ts";
import { containerName } from "../host-spec.ts";
import { LabError } from "../lab-error.ts";
import { hostNames, isHostName } from "../layout.ts";

/** A root shell in a host, or one command there when more words follow; gives its exit code. */
export function shell(config: LabConfig, node: string, command: string[]): number {
  if (!isHostName(node)) throw new LabError("lab.host.unknown", `${node} is none of ${hostNames.join(", ")}`);
  const terminal = process.stdin.isTTY ? ["--interactive", "--tty"] : ["--interactive"];
  const argv = ["exec", ...terminal, containerName(config, node), ...(command.length > 0 ? command : ["bash", "-l"])];
  return spawnSync("docker", argv, { stdio: "inherit" }).status ?? 1;
}
