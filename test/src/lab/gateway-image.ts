import { createCipheriv, createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ustar } from "../stand-ins/ollama/ustar.ts";
import { runToBuffer } from "./command.ts";
import type { LabConfig } from "./config.ts";
import { imageTag } from "./image/recipe.ts";
import type { Layer } from "./image-manifest.ts";
import { putImage, putLayer } from "./image-manifest.ts";
import { copyBlob, putTag } from "./image-store.ts";
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

export function imagesFolder(config: LabConfig): string {
  return join(config.folder, "images");
}

/**
 * Publishes an image with the gateway's shape in the lab's registry, where the hosts pull it by its real name: Node,
 * curl and a shell, the user aigateway, both ports. Gives the manifest's digest, which depends on the content alone.
 */
export async function publishGatewayImage(config: LabConfig, image: GatewayImage): Promise<string> {
  const { repository, tag } = splitReference(image.reference ?? gatewayReference);
  const folder = imagesFolder(config);
  const ballast = image.ballast === undefined ? [] : [await ballastLayer(folder, image.ballast)];
  const layers = [await userlandLayer(config), ...ballast, await programLayer(folder, image.bundle)];
  const env = { PATH: "/usr/local/bin:/usr/bin", AIGW_CUSTOM_MODELS__ENABLED: "true", ...image.env };
  const digest = putImage(folder, layers, {
    User: "aigateway",
    WorkingDir: "/app",
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Cmd: ["node", `/app/${basename(image.bundle)}`],
    ExposedPorts: { "5052/tcp": {}, "50052/tcp": {} },
  });
  putTag(folder, repository, tag, digest);
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

/** Built from the host image in a few seconds, then remembered by what it was built from, for all labs. */
async function userlandLayer(config: LabConfig): Promise<Layer> {
  const script = readFileSync(join(import.meta.dirname, "image/userland.sh"), "utf8");
  const key = createHash("sha256").update(`${imageTag()} ${process.version} ${script}`).digest("hex").slice(0, 16);
  const folder = join(config.shared, "layers");
  const record = join(folder, `userland-${key}.json`);
  if (!existsSync(record)) {
    const node = ["--volume", `${process.execPath}:/node:ro`];
    const argv = ["docker", "run", "--rm", "--network", "none", ...node, imageTag(), "sh", "-c", script];
    const built = putLayer(folder, await runToBuffer(argv));
    writeFileSync(record, JSON.stringify(built));
  }
  const layer: Layer = JSON.parse(readFileSync(record, "utf8"));
  copyBlob(folder, imagesFolder(config), layer.digest);
  return layer;
}

async function programLayer(folder: string, bundle: string): Promise<Layer> {
  const steady = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644"];
  const rename = ["--transform", "s,^,app/,"];
  const argv = ["tar", "--create", ...steady, ...rename, "--directory", dirname(bundle), basename(bundle)];
  return putLayer(folder, await runToBuffer(argv));
}

/** Noise, since a layer of nothing packs to nothing. */
async function ballastLayer(folder: string, bytes: number): Promise<Layer> {
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes));
  return putLayer(folder, await buffer(ustar([{ path: "ballast", content: noise }])));
}
