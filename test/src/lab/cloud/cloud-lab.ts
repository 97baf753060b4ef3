import type { Cloud } from "@fettle/coordinator/cli/cloud-init/machines.ts";
import { type BareLab, bareLabOf } from "../bare/bare-lab.ts";
import { buildReleases, type Releases } from "../bare/releases.ts";
import { removeObjects } from "../commands/down.ts";
import type { LabConfig } from "../config.ts";
import { cgroupVersion, ensureEngine } from "../docker-engine.ts";
import { Host } from "../host.ts";
import { ensureHost } from "../host-create.ts";
import { ensureBareImages } from "../image/bare-image.ts";
import { ensureHostImage } from "../image/host-image.ts";
import { coordinatorHost, spareHost } from "../layout.ts";
import { publishOllama } from "../products/ollama-release.ts";
import { ensureSite } from "../site.ts";
import type { Step } from "../steps/step.ts";
import { timedLine } from "../stopwatch.ts";
import { ensureCloudImage } from "./cloud-image.ts";
import { startMetadata } from "./metadata.ts";

/** A lab whose machines are a cloud's: none is there before it is launched. */
export type CloudLab = BareLab & {
  /** A machine that is no node. */
  spare: Host;
  images: Record<Cloud, string>;
  cgroupVersion: string;
};

export type CloudStep = Step<CloudLab>;

/** The coordinator's bare machine, the outside world, and a metadata service for the machines to come. */
export async function upCloud(config: LabConfig, built?: Releases): Promise<CloudLab> {
  await timedLine("Docker Engine", () => ensureEngine(config));
  const full = await timedLine("host image", () => ensureHostImage(config));
  const { bare } = await ensureBareImages(config);
  const images = await timedLine("images of the clouds", async () => ({
    aws: await ensureCloudImage(config, "aws"),
    gcp: await ensureCloudImage(config, "gcp"),
  }));
  await timedLine("what an earlier lab left", () => removeObjects(config));
  await timedLine(`network ${config.subnet.cidr}, names and metadata`, async () => {
    await ensureSite(config, full.tag);
    await startMetadata(config, full.tag);
  });
  const releases = built ?? (await timedLine("both programs built as they are shipped", () => buildReleases(config)));
  const version = await cgroupVersion();
  await timedLine("the coordinator's machine", () =>
    ensureHost(config, { image: bare, cgroupVersion: version, bare: true }, coordinatorHost),
  );
  const coordinator = new Host(config, coordinatorHost);
  const lab = bareLabOf(config, { releases, coordinator, ollamaRelease: await publishOllama(config) });
  return { ...lab, spare: new Host(config, spareHost), images, cgroupVersion: version };
}
