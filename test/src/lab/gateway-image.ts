import { basename, dirname } from "node:path";
import type { LabConfig } from "./config.ts";
import { ballastLayer, imagesFolder, treeLayer, userlandLayer } from "./image-layers.ts";
import { putImage } from "./image-manifest.ts";
import { putTag } from "./image-store.ts";
import { LabError } from "./lab-error.ts";

export const gatewayRepository =
  "registry.gitlab.com/gitlab-org/modelops/applied-ml/code-suggestions/ai-assist/model-gateway";
export const gatewayReference = `${gatewayRepository}:self-hosted-v18.8.1-ee`;

export type GatewayImage = {
  /** A bundled .mjs file, which becomes the image's command. */
  bundle: string;
  reference?: string;
  env?: Record<string, string>;
  /** So many bytes in a layer of their own, the same at each time. */
  ballast?: number;
};

/**
 * Publishes an image with the gateway's shape in the lab's registry, where the hosts pull it by its real name: Node,
 * curl and a shell, the user aigateway, both ports. Gives the manifest's digest, which depends on the content alone.
 */
export async function publishGatewayImage(config: LabConfig, image: GatewayImage): Promise<string> {
  const { repository, tag } = splitReference(image.reference ?? gatewayReference);
  const ballast = image.ballast === undefined ? [] : [await ballastLayer(config, image.ballast)];
  const program = await treeLayer(config, dirname(image.bundle), [basename(image.bundle)], "app");
  const env = { PATH: "/usr/local/bin:/usr/bin", AIGW_CUSTOM_MODELS__ENABLED: "true", ...image.env };
  const digest = putImage(imagesFolder(config), [await userlandLayer(config), ...ballast, program], {
    User: "aigateway",
    WorkingDir: "/app",
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Cmd: ["node", `/app/${basename(image.bundle)}`],
    ExposedPorts: { "5052/tcp": {}, "50052/tcp": {} },
  });
  putTag(imagesFolder(config), repository, tag, digest);
  return digest;
}

/** The registry's own name is no part of a repository's. */
function splitReference(reference: string): { repository: string; tag: string } {
  const match = /^registry\.gitlab\.com\/(.+):([^:/]+)$/.exec(reference);
  const [, repository, tag] = match ?? [];
  if (repository === undefined || tag === undefined) {
    throw new LabError("lab.image.reference", `${reference} is not of the form registry.gitlab.com/REPOSITORY:TAG`);
  }
  return { repository, tag };
}
