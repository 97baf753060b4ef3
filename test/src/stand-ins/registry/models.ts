import { type Content, fixedContent, noiseContent } from "./content.ts";
import { ggufHead } from "./gguf-head.ts";

/** A model to be published. */
export interface ModelSpec {
  /** As one pulls it: `mistral:instruct`, `hf.co/a/b:q4`. The host is not looked at. */
  name: string;
  /** Size of the weights. */
  bytes: number;
  family?: string;
  /** As shown: "7.2B". */
  parameters?: string;
  /** As shown: "Q4_0". */
  quantization?: string;
  /** Context that it was trained for. */
  context?: number;
  /** Models with the same seed share their weights. Default: the name. */
  seed?: string;
  /** A layer of this type is added, e.g. "application/vnd.ollama.image.tensor". */
  extraLayer?: string;
}

export interface PublishedModel {
  /** `library/mistral` */
  repository: string;
  tag: string;
  manifest: string;
  blobs: Content[];
}

export const defaultModels: ModelSpec[] = [
  { name: "mistral:instruct", bytes: 3_000_000, family: "llama", parameters: "7.2B", quantization: "Q4_0" },
  { name: "mistral:7b-instruct", bytes: 3_000_000, family: "llama", seed: "mistral:instruct" },
  { name: "llama3:8b", bytes: 2_000_000, family: "llama", parameters: "8.0B", context: 8192 },
  { name: "codellama:7b", bytes: 600_000, family: "llama", parameters: "6.7B", context: 16_384 },
  { name: "hf.co/bartowski/Mistral-7B-Instruct-v0.3-GGUF:Q4_K_M", bytes: 1_000_000, quantization: "Q4_K_M" },
];

const TEMPLATE =
  "{{- if .System }}{{ .System }}\n{{ end }}{{- if .Tools }}[AVAILABLE_TOOLS] {{ .Tools }}{{ end }}[INST] {{ .Prompt }} [/INST]{{ if .Suffix }}{{ .Suffix }}{{ end }}";

/** What has been published in this process: digests of big models take a while, and never change. */
const published = new Map<string, PublishedModel>();

/** `revision` makes another version of the same tag: other weights, another manifest. */
export function publish(spec: ModelSpec, revision = 0): PublishedModel {
  const key = JSON.stringify({ ...spec, revision });
  const model = published.get(key) ?? make(spec, revision);
  published.set(key, model);
  return model;
}

function make(spec: ModelSpec, revision: number): PublishedModel {
  const { repository, tag } = splitName(spec.name);
  const weights = noiseContent(`${spec.seed ?? spec.name}#${revision}`, head(spec), spec.bytes);
  const layers = [
    { type: "application/vnd.ollama.image.model", content: weights },
    { type: "application/vnd.ollama.image.template", content: fixedContent(TEMPLATE) },
    { type: "application/vnd.ollama.image.license", content: fixedContent("Apache License 2.0 (stand-in)") },
    { type: "application/vnd.ollama.image.params", content: fixedContent('{"stop":["[INST]","[/INST]"]}') },
    ...(spec.extraLayer === undefined ? [] : [{ type: spec.extraLayer, content: fixedContent("extra") }]),
  ];
  const config = fixedContent(JSON.stringify(configOf(spec)));
  const entry = (mediaType: string, { digest, size }: Content) => ({ mediaType, digest, size });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: entry("application/vnd.docker.container.image.v1+json", config),
    layers: layers.map(({ type, content }) => entry(type, content)),
  });
  return { repository, tag, manifest, blobs: [config, ...layers.map(({ content }) => content)] };
}

export function splitName(name: string): { repository: string; tag: string } {
  const tagAt = name.lastIndexOf(":") > name.lastIndexOf("/") ? name.lastIndexOf(":") : name.length;
  const parts = name.slice(0, tagAt).split("/");
  const model = parts.pop() ?? "";
  return { repository: `${parts.pop() ?? "library"}/${model}`, tag: name.slice(tagAt + 1) || "latest" };
}

function head(spec: ModelSpec): Buffer {
  return ggufHead({
    "general.architecture": "llama",
    "general.parameter_count": 7_248_023_552,
    "llama.context_length": spec.context ?? 32_768,
    "llama.embedding_length": 4096,
    "llama.block_count": 32,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
    "llama.attention.key_length": 128,
  });
}

function configOf(spec: ModelSpec): Record<string, unknown> {
  const family = spec.family ?? "llama";
  return {
    model_format: "gguf",
    model_family: family,
    model_families: [family],
    model_type: spec.parameters ?? "7.2B",
    file_type: spec.quantization ?? "Q4_0",
    architecture: "amd64",
    os: "linux",
  };
}
