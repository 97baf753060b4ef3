import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BareLab } from "../bare/bare-lab.ts";
import type { LabConfig } from "../config.ts";
import { docker, tryDocker } from "../docker.ts";
import { cgroupVersion } from "../docker-engine.ts";
import { HostCoordinator } from "../fettle/host-coordinator.ts";
import { Host } from "../host.ts";
import { ensureHost } from "../host-create.ts";
import { containerName } from "../host-spec.ts";
import { ensureBareImages } from "../image/bare-image.ts";
import { addressOf, type HostName, standbyHost, type zoneOf } from "../layout.ts";
import { until } from "../until.ts";

/** A machine that nothing was ever on, for a coordinator that is to be restored: the lab as it is seen from there. */
export async function freshStandby(lab: BareLab): Promise<BareLab> {
  const host = new Host(lab.config, standbyHost);
  await tryDocker(["rm", "--force", "--volumes", host.container]);
  const { bare } = await ensureBareImages(lab.config);
  await ensureHost(lab.config, { image: bare, cgroupVersion: await cgroupVersion(), bare: true }, standbyHost);
  return standbyOf(lab);
}

/** The lab with the standby's machine as the coordinator's. */
export function standbyOf(lab: BareLab): BareLab {
  const coordinator = new Host(lab.config, standbyHost);
  return { ...lab, coordinator, fettle: new HostCoordinator(coordinator) };
}

/** The name server answers with another machine's address for this name from now on. */
export async function moveName(config: LabConfig, name: string, to: HostName, seenBy: Host): Promise<void> {
  const address = addressOf(config.subnet, to);
  const path = join(config.folder, "site/zone.json");
  const zone = JSON.parse(readFileSync(path, "utf8")) as ReturnType<typeof zoneOf>;
  writeFileSync(path, JSON.stringify({ ...zone, [name]: address }));
  await docker(["restart", containerName(config, "site")]);
  await until(`${name} to be ${address}`, 20_000, async () => {
    const { stdout } = await seenBy.exec(["getent", "ahostsv4", name], { timeoutMs: 5_000 });
    return stdout.startsWith(`${address} `) || undefined;
  });
}
