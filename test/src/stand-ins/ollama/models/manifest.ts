import { createHash } from "node:crypto";

export interface Layer {
  mediaType: string;
  digest: string;
  size: number;
}

export interface Manifest {
  schemaVersion: number;
  mediaType: string;
  config: Layer;
  layers: Layer[];
}

export const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
export const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
export const LAYER_TYPE = "application/vnd.ollama.image";

/** The config blob: what the list shows of a model without opening it. */
export interface ModelConfig {
  model_format: string;
  model_family: string;
  model_families: string[];
  model_type: string;
  file_type: string;
  architecture?: string;
  os?: string;
  parent_model?: string;
}

export function parseManifest(text: string): Manifest {
  if (text.trim() === "") throw new Error("EOF");
  const value = JSON.parse(text) as Partial<Manifest>;
  return {
    schemaVersion: value.schemaVersion ?? 0,
    mediaType: value.mediaType ?? "",
    config: value.config ?? { mediaType: "", digest: "", size: 0 },
    layers: value.layers ?? [],
  };
}

/** The layers in the order in which they are pulled: the config last. */
export function allLayers(manifest: Manifest): Layer[] {
  return manifest.config.digest === "" ? manifest.layers : [...manifest.layers, manifest.config];
}

export function sizeOf(manifest: Manifest): number {
  return allLayers(manifest).reduce((sum, layer) => sum + layer.size, 0);
}

export function layersOf(manifest: Manifest, kind: string): Layer[] {
  return manifest.layers.filter((layer) => layer.mediaType === `${LAYER_TYPE}.${kind}`);
}

/** Hex, without a prefix: the digest of a model in lists is that of its manifest file. */
export const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
