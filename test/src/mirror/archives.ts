import { createHash } from "node:crypto";
import { type Entry, ustar } from "../stand-ins/ollama/ustar.ts";

export const REFERENCE =
  "registry.gitlab.com/gitlab-org/modelops/applied-ml/code-suggestions/ai-assist/model-gateway:self-hosted-v18.8.3-ee";

export function sha256Of(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of ustar(entries)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export interface MadeImage {
  readonly entries: Entry[];
  readonly imageId: string;
}

const CONFIG = JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });

/** As an Engine before 25 writes it. */
export function legacyImage(reference = REFERENCE, config = CONFIG): MadeImage {
  const imageId = sha256Of(config);
  const layer = "a".repeat(64);
  const [repository = "", tag = ""] = splitTag(reference);
  const manifest = [{ Config: `${imageId}.json`, RepoTags: [reference], Layers: [`${layer}/layer.tar`] }];
  const entries: Entry[] = [
    { path: `${layer}/` },
    { path: `${layer}/VERSION`, content: "1.0" },
    { path: `${layer}/json`, content: "{}" },
    { path: `${layer}/layer.tar`, content: "layer" },
    { path: `${imageId}.json`, content: config },
    { path: "manifest.json", content: JSON.stringify(manifest) },
    { path: "repositories", content: JSON.stringify({ [repository]: { [tag]: layer } }) },
  ];
  return { entries, imageId };
}

export interface OciOptions {
  readonly reference?: string;
  /** Named by index.json instead. */
  readonly named?: string;
  /** index.json leads to an index of platforms, as the containerd store writes it. */
  readonly nested?: boolean;
  /** A second configuration, in a second manifest. */
  readonly other?: string;
}

/** As an Engine from 25 on writes it: OCI's layout, with manifest.json beside it. */
export function ociImage({ reference = REFERENCE, named = reference, nested, other }: OciOptions = {}): MadeImage {
  const blobs = new Map<string, string>();
  const put = (text: string): string => {
    const digest = sha256Of(text);
    blobs.set(`blobs/sha256/${digest}`, text);
    return digest;
  };
  const layer = put("layer");
  const imageId = put(CONFIG);
  const manifestOf = (config: string) => put(JSON.stringify({ config: { digest: `sha256:${config}` }, layers: [] }));
  const platform = { os: "linux", architecture: "amd64" };
  const images = [manifestOf(imageId), ...(other === undefined ? [] : [manifestOf(put(other))])];
  const list = images.map((digest) => ({ digest: `sha256:${digest}`, platform }));
  const attestation = {
    digest: `sha256:${put("{}")}`,
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };
  const annotations = { "io.containerd.image.name": named, "org.opencontainers.image.ref.name": splitTag(named)[1] };
  const top = nested ? [{ digest: `sha256:${put(JSON.stringify({ manifests: [...list, attestation] }))}` }] : list;
  const index = { schemaVersion: 2, manifests: top.map((each) => ({ ...each, annotations })) };
  const manifest = [{ Config: `blobs/sha256/${imageId}`, RepoTags: [reference], Layers: [`blobs/sha256/${layer}`] }];
  const entries: Entry[] = [
    { path: "blobs/" },
    { path: "blobs/sha256/" },
    ...[...blobs].map(([path, content]) => ({ path, content })),
    { path: "index.json", content: JSON.stringify(index) },
    { path: "manifest.json", content: JSON.stringify(manifest) },
    { path: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
  ];
  return { entries, imageId };
}

function splitTag(reference: string): [string, string] {
  const colon = reference.lastIndexOf(":");
  return [reference.slice(0, colon), reference.slice(colon + 1)];
}

export interface MadeModel {
  readonly manifest: string;
  readonly blobs: readonly Buffer[];
}

/** A model's files; equal names give equal bytes. */
export function makeModel(name: string, bytes = 300_000): MadeModel {
  const weights = Buffer.alloc(bytes, `${name} weights `);
  const config = Buffer.from(JSON.stringify({ model_format: "gguf", name }));
  const of = (blob: Buffer) => ({ digest: `sha256:${sha256Of(blob)}`, size: blob.length });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: "application/vnd.docker.container.image.v1+json", ...of(config) },
    layers: [{ mediaType: "application/vnd.ollama.image.model", ...of(weights) }],
  });
  return { manifest, blobs: [config, weights] };
}
