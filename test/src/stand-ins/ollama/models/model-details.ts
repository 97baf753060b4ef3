import { type GgufInfo, readGguf } from "./gguf.ts";
import { layersOf, type ModelConfig } from "./manifest.ts";
import type { ModelStore, StoredModel } from "./model-store.ts";

/** A stored model opened: its config, the head of its weights, its texts. Throws where a blob is missing. */
export interface OpenModel {
  stored: StoredModel;
  config: ModelConfig;
  /** Path and digest of the weights; undefined for a model without (a cloud stub). */
  weights: { path: string; digest: string; size: number } | undefined;
  info: GgufInfo;
  template: string;
  system: string;
  license: string;
  parameters: Record<string, unknown>;
}

export function openModel(store: ModelStore, stored: StoredModel): OpenModel {
  const { manifest } = stored;
  const weights = layersOf(manifest, "model")[0];
  const path = weights === undefined ? undefined : store.blobs.path(weights.digest);
  const text = (kind: string): string =>
    layersOf(manifest, kind)
      .map((layer) => store.blobs.text(layer.digest))
      .join("\n");
  return {
    stored,
    config: JSON.parse(store.blobs.text(manifest.config.digest)) as ModelConfig,
    weights:
      weights === undefined || path === undefined ? undefined : { path, digest: weights.digest, size: weights.size },
    info: (path === undefined ? undefined : readGguf(path)) ?? {},
    template: text("template"),
    system: text("system"),
    license: text("license"),
    parameters: JSON.parse(text("params") || "{}") as Record<string, unknown>,
  };
}

export function detailsOf(model: OpenModel): Record<string, unknown> {
  const { config } = model;
  return {
    parent_model: config.parent_model ?? "",
    format: config.model_format,
    family: config.model_family,
    families: config.model_families,
    parameter_size: config.model_type,
    quantization_level: config.file_type,
  };
}

/** The longest context the model was trained for; undefined when its file does not say. */
export function trainedContext(model: OpenModel): number | undefined {
  return archNumber(model, "context_length");
}

export function archNumber(model: OpenModel, key: string): number | undefined {
  const value = model.info[`${String(model.info["general.architecture"])}.${key}`];
  return typeof value === "number" ? value : undefined;
}

export function capabilitiesOf(model: OpenModel): string[] {
  const { template } = model;
  const found = ["completion"];
  if (template.includes(".Tools")) found.push("tools");
  if (template.includes(".Suffix")) found.push("insert");
  return found;
}
