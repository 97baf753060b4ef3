import { rmSync } from "node:fs";
import { stopBackground } from "../background.ts";
import type { LabConfig } from "../config.ts";
import { docker, labelled, tryDocker } from "../docker.ts";
import { releaseEngine } from "../docker-engine.ts";
import { coordinatorFolder } from "../fettle/coordinator.ts";
import { timedLine } from "../stopwatch.ts";

/** Removes everything that `up` made, but for the host image, which makes the next `up` quick. */
export async function down(config: LabConfig): Promise<void> {
  await stopBackground(coordinatorFolder(config), "coordinator");
  if ((await tryDocker(["version"])).code === 0) {
    await timedLine("hosts, volumes and network removed", () => removeObjects(config));
    const engine = await timedLine("Docker Engine released", () => releaseEngine(config));
    process.stdout.write(`          the Docker Engine was ${engine}\n`);
  }
  rmSync(config.folder, { recursive: true, force: true });
}

/** Containers, volumes and the network of this lab. */
export async function removeObjects(config: LabConfig): Promise<void> {
  const containers = await labelled("container", config.name);
  if (containers.length > 0) await docker(["container", "rm", "--force", "--volumes", ...containers]);
  const volumes = await labelled("volume", config.name);
  if (volumes.length > 0) await docker(["volume", "rm", "--force", ...volumes]);
  const networks = await labelled("network", config.name);
  if (networks.length > 0) await docker(["network", "rm", ...networks]);
}
