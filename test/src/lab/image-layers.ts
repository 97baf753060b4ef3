import { createCipheriv, createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ustar } from "../stand-ins/ollama/ustar.ts";
import { runToBuffer } from "./command.ts";
import type { LabConfig } from "./config.ts";
import { imageTag } from "./image/recipe.ts";
import { type Layer, putLayer } from "./image-manifest.ts";
import { copyBlob } from "./image-store.ts";

export function imagesFolder(config: LabConfig): string {
  return join(config.folder, "images");
}

/** The smallest tree that Node, curl and a shell run in; built from the host image in a few seconds. */
export function userlandLayer(config: LabConfig): Promise<Layer> {
  const script = readFileSync(join(import.meta.dirname, "image/userland.sh"), "utf8");
  const node = ["--volume", `${process.execPath}:/node:ro`];
  const tag = imageTag(config);
  const argv = ["docker", "run", "--rm", "--network", "none", ...node, tag, "sh", "-c", script];
  return rememberedLayer(config, "userland", `${tag} ${process.version} ${script}`, () => runToBuffer(argv));
}

/** A layer that is made once for all labs of this checkout, and then remembered by what it was made from. */
export async function rememberedLayer(
  config: LabConfig,
  name: string,
  from: string,
  make: () => Promise<Buffer>,
): Promise<Layer> {
  const key = createHash("sha256").update(from).digest("hex").slice(0, 16);
  const folder = join(config.shared, "layers");
  const record = join(folder, `${name}-${key}.json`);
  if (!existsSync(record)) {
    const built = putLayer(folder, await make());
    writeFileSync(record, JSON.stringify(built));
  }
  const layer: Layer = JSON.parse(readFileSync(record, "utf8"));
  copyBlob(folder, imagesFolder(config), layer.digest);
  return layer;
}

/** These entries of a folder, at their place below `at` of the image. */
export async function treeLayer(config: LabConfig, folder: string, entries: string[], at = ""): Promise<Layer> {
  const steady = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
  const rename = at === "" ? [] : ["--transform", `flags=r;s,^,${at}/,`];
  const argv = ["tar", "--create", ...steady, ...rename, "--directory", folder, ...entries];
  return putLayer(imagesFolder(config), await runToBuffer(argv));
}

/** Noise, since a layer of nothing packs to nothing. */
export async function ballastLayer(config: LabConfig, bytes: number): Promise<Layer> {
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes));
  return putLayer(imagesFolder(config), await buffer(ustar([{ path: "ballast", content: noise }])));
}
