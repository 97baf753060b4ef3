import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runToBuffer } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { docker, tryDocker } from "../docker.ts";
import { imagesFolder, rememberedLayer, treeLayer } from "../image-layers.ts";
import { putImage } from "../image-manifest.ts";
import { putTag } from "../image-store.ts";

/**
 * Publishes what the lab's bare machines are made of as the distribution's own image: whatever that is here, it goes by
 * the name of the machines that the documentation speaks of.
 */
export async function publishDistribution(config: LabConfig, bareImage: string): Promise<void> {
  const base = await rememberedLayer(config, "distribution", bareImage, () => contentOf(config, bareImage));
  const tree = join(config.folder, "dist/distribution");
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, "etc/ssl/certs"), { recursive: true });
  copyFileSync(join(config.folder, "pki/ca.pem"), join(tree, "etc/ssl/certs/ca-certificates.crt"));
  const layers = [base, await treeLayer(config, tree, ["etc/ssl/certs/ca-certificates.crt"])];
  const digest = putImage(imagesFolder(config), layers, { Env: [], Cmd: ["bash"], ExposedPorts: {} });
  putTag(imagesFolder(config), "library/ubuntu", "24.04", digest);
}

async function contentOf(config: LabConfig, image: string): Promise<Buffer> {
  const name = `fettle-lab-${config.name}-export`;
  await tryDocker(["rm", "--force", name]);
  await docker(["create", "--name", name, image]);
  try {
    return await runToBuffer(["docker", "export", name], { timeoutMs: 120_000 });
  } finally {
    await tryDocker(["rm", "--force", name]);
  }
}
