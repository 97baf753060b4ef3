import { existsSync, readFileSync, rmSync } from "node:fs";
import { installPackages } from "./apt.ts";
import { isBackgroundRunning, startBackground, stopBackground } from "./background.ts";
import { execute, run } from "./command.ts";
import type { LabConfig } from "./config.ts";
import { docker, tryDocker } from "./docker.ts";
import { LabError } from "./lab-error.ts";
import { until } from "./until.ts";

const background = "dockerd";
const pidFile = "/var/run/docker.pid";

/** Sees to it that a Docker Engine answers: the machine's own one, else one that is installed and started here. */
export async function ensureEngine(config: LabConfig): Promise<"found" | "started"> {
  if (await answers()) return "found";
  if (process.getuid?.() !== 0 || process.env.DOCKER_HOST !== undefined) {
    throw new LabError(
      "lab.engine.absent",
      "no Docker Engine answers; start one, or run the lab as root and without DOCKER_HOST",
    );
  }
  await installMissing();
  if (await answers()) return "started";
  await start(config);
  return "started";
}

/** Stops the engine if the lab started it, is talking to it, and nothing else runs on it. */
export async function releaseEngine(config: LabConfig): Promise<"stopped" | "left running"> {
  if (process.env.DOCKER_HOST !== undefined || !isBackgroundRunning(config.shared, background)) return "left running";
  if ((await docker(["container", "ls", "--quiet"])) !== "") return "left running";
  await stopBackground(config.shared, background);
  return "stopped";
}

/** Which hierarchy of control groups the containers see. */
export function cgroupVersion(): Promise<string> {
  return docker(["info", "--format", "{{.CgroupVersion}}"]);
}

async function answers(): Promise<boolean> {
  try {
    return (await tryDocker(["version", "--format", "{{.Server.Version}}"], { timeoutMs: 10_000 })).code === 0;
  } catch {
    return false;
  }
}

/** Debian 12 has the client in docker.io, later releases in docker-cli. */
async function installMissing(): Promise<void> {
  if (!(await has("dockerd"))) await installPackages(["docker.io"]);
  if (!(await has("docker"))) await installPackages(["docker-cli"]);
}

async function has(program: string): Promise<boolean> {
  return (await execute(["sh", "-c", 'command -v "$0"', program])).code === 0;
}

async function start(config: LabConfig): Promise<void> {
  if (existsSync("/run/systemd/system")) {
    await run(["systemctl", "start", "docker.service"]);
  } else {
    forgetStalePid();
    startBackground(config.shared, background, ["dockerd"]);
  }
  await until(`the Docker Engine to answer (see ${config.shared}/dockerd.log)`, 60_000, async () => {
    return (await answers()) || undefined;
  });
}

/** dockerd refuses to start while its old process id is in use, also when another program has that id by now. */
function forgetStalePid(): void {
  if (!existsSync(pidFile)) return;
  const comm = `/proc/${readFileSync(pidFile, "utf8").trim()}/comm`;
  const alive = existsSync(comm) && readFileSync(comm, "utf8").trim() === "dockerd";
  if (!alive) rmSync(pidFile);
}
