import * as z from "zod";

export interface BlobRef {
  /** 64 hex digits. */
  readonly sha256: string;
  readonly size: number;
}

const layer = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z
    .number()
    .int()
    .nonnegative()
    .max(2 ** 42),
});
const manifest = z.object({ config: layer, layers: z.array(layer).min(1).max(500) });

/** As large as the manifest of a model may be. */
export const MOST_MANIFEST_BYTES = 1024 * 1024;

/** The blobs that the manifest of a model names (facts: ollama.md section 4), each once; null when it is none. */
export function blobsOfManifest(text: string): readonly BlobRef[] | null {
  const found = manifest.safeParse(json(text));
  if (!found.success) return null;
  const all = [found.data.config, ...found.data.layers].map(({ digest, size }) => ({ sha256: digest.slice(7), size }));
  return [...new Map(all.map((blob) => [blob.sha256, blob])).values()];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
