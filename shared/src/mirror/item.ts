import * as z from "zod";
import { hash } from "../protocol/names.ts";

export const MIRROR_KINDS = ["ollama", "gateway", "model"] as const;
export type MirrorKind = (typeof MIRROR_KINDS)[number];

/**
 * Something that the coordinator serves in place of the internet. `name` is Ollama's version with the machine
 * (`0.32.15-x64`), the gateway image's reference, or the model's name with its tag.
 */
export const mirrorItem = z.object({
  kind: z.enum(MIRROR_KINDS),
  name: z.string().min(1).max(300),
  /** Of the archive; of a model's manifest. */
  sha256: hash,
  /** Bytes, a model's blobs together. */
  size: z.number().int().nonnegative(),
  /** The image's id (sha256 of its configuration) that the gateway's archive holds under the reference. */
  imageId: hash.optional(),
});
export type MirrorItem = z.infer<typeof mirrorItem>;
