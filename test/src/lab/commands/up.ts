import type { LabConfig } from "../config.ts";
import { cgroupVersion, ensureEngine } from "../docker-engine.ts";
import { bringUpFettle } from "../fettle/bring-up.ts";
import { ensureHost } from "../host-create.ts";
import { ensureHostImage } from "../image/host-image.ts";
import type { Lab } from "../lab.ts";
import { labOf } from "../lab.ts";
import { addressOf, hostNames } from "../layout.ts";
import { ensureSite } from "../site.ts";
import { timedLine } from "../stopwatch.ts";

/** Brings the lab up with Fettle in it, or back to what it should be; what is right already is left alone. */
export async function up(config: LabConfig): Promise<Lab> {
  const lab = await upMachines(config);
  await bringUpFettle(lab);
  return lab;
}

/** The hosts and what is around them. */
export async function upMachines(config: LabConfig): Promise<Lab> {
  await timedLine("Docker Engine", () => ensureEngine(config));
  const image = await timedLine("host image", () => ensureHostImage(config));
  const machine = { image: image.tag, cgroupVersion: await cgroupVersion() };
  await timedLine(`network ${config.subnet.cidr}, names and images`, () => ensureSite(config, machine.image));
  const hosts = hostNames.map((name) =>
    timedLine(`${name} at ${addressOf(config.subnet, name)}`, () => ensureHost(config, machine, name)),
  );
  await Promise.all(hosts);
  process.stdout.write(`          the machine is ${addressOf(config.subnet, "coordinator")} to them\n`);
  return labOf(config);
}
