import { gzipSync } from "node:zlib";
import type { Blob } from "./image-store.ts";
import { digestOf, putBlob } from "./image-store.ts";

/** A layer as a registry has it: packed, beside the digest of what is in the pack. */
export type Layer = Blob & { diffId: string };

export type ImageConfig = {
  User?: string;
  Env: string[];
  Entrypoint?: string[];
  Cmd: string[];
  WorkingDir?: string;
  ExposedPorts: object;
};

export const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** Packs a tar as a layer. Time goes to packing, so it is packed lightly. */
export function putLayer(folder: string, tar: Buffer): Layer {
  return { ...putBlob(folder, gzipSync(tar, { level: 1 })), diffId: digestOf(tar) };
}

/** Makes an image of layers; the same parts give the same digest. */
export function putImage(folder: string, layers: Layer[], config: ImageConfig): string {
  const settings = {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2026-01-01T00:00:00Z",
    config,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: "2026-01-01T00:00:00Z" })),
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      ...putBlob(folder, JSON.stringify(settings)),
    },
    layers: layers.map(({ size, digest }) => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      size,
      digest,
    })),
  };
  return putBlob(folder, JSON.stringify(manifest)).digest;
}
