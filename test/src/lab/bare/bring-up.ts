import { removeObjects } from "../commands/down.ts";
import type { LabConfig } from "../config.ts";
import { cgroupVersion, ensureEngine } from "../docker-engine.ts";
import { installGitlab } from "../fettle/bring-up.ts";
import { Host } from "../host.ts";
import { ensureHost } from "../host-create.ts";
import { ensureBareImages, ensurePackages } from "../image/bare-image.ts";
import { ensureHostImage } from "../image/host-image.ts";
import { coordinatorHost, type HostName, hostNames } from "../layout.ts";
import { publishGateways } from "../products/gateway-images.ts";
import { publishOllama } from "../products/ollama-release.ts";
import { ensureSite } from "../site.ts";
import { timedLine } from "../stopwatch.ts";
import { type BareLab, bareLabOf } from "./bare-lab.ts";
import { buildReleases, type Releases } from "./releases.ts";

export type BareOptions = {
  /** The gateway's host comes with a Docker Engine, as where there is no internet. */
  engine: boolean;
  /** Those of a lab before, which need not be built again. */
  releases?: Releases;
  /** The machine that the coordinator goes onto; by default one of its own. */
  coordinator?: HostName;
};

/** New machines, one more than the stack's unless they are to share: GitLab's with the stand-in, the rest with nothing; and what they would find in the world. */
export async function upBare(config: LabConfig, options: BareOptions): Promise<BareLab> {
  const { engine, releases: built, coordinator = coordinatorHost } = options;
  await timedLine("Docker Engine", () => ensureEngine(config));
  const full = await timedLine("host image", () => ensureHostImage(config));
  const images = await timedLine("images of bare machines", () => ensureBareImages(config));
  await timedLine("package mirror", () => ensurePackages(config));
  await timedLine("what an earlier lab left", () => removeObjects(config));
  await timedLine(`network ${config.subnet.cidr}, names and images`, () => ensureSite(config, full.tag));
  const releases = built ?? (await timedLine("both programs built as they are shipped", () => buildReleases(config)));
  const ollamaRelease = await timedLine("Ollama's release and the gateway's images published", async () => {
    await publishGateways(config);
    return publishOllama(config);
  });
  const lab = bareLabOf(config, { releases, ollamaRelease, coordinator: new Host(config, coordinator) });
  const version = await cgroupVersion();
  const names = new Set<HostName>([...hostNames, coordinator]);
  await timedLine(`${names.size} bare machines`, async () => {
    await Promise.all(
      [...names].map((name) => {
        const image = engine && name === "gateway-1" ? images.engine : images.bare;
        return ensureHost(config, { image, cgroupVersion: version, bare: true }, name);
      }),
    );
  });
  await timedLine("GitLab installed", () => installGitlab(lab));
  return lab;
}
