import * as z from "zod";
import { sha256Hex } from "../lib/sha256.ts";
import { ImageProblem, parsed, plain, type ReadEntry } from "./image-entry.ts";

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const descriptor = z.object({
  digest,
  mediaType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
});
const index = z.object({ manifests: z.array(descriptor).max(100) });
const either = z.object({
  manifests: z.array(descriptor).max(100).optional(),
  config: z.object({ digest }).optional(),
});

/** The name as an Engine with the containerd store reads it. */
const NAME = "io.containerd.image.name";
const REF = "org.opencontainers.image.ref.name";
/** Says what was built how; it is no image. */
const ATTESTATION = "vnd.docker.reference.type";

/**
 * OCI's own list in the archive has to say the same as `manifest.json`: one image, the same name, the same
 * configuration. The digests of its manifests, 64 hex digits each. Throws ImageProblem.
 */
export async function imageIndexOf(read: ReadEntry, reference: string, imageId: string): Promise<readonly string[]> {
  const [top, ...others] = (await parsed(read, "index.json", index)).manifests;
  if (top === undefined || others.length > 0) throw new ImageProblem("index.json does not hold exactly one image");
  const { [NAME]: name, [REF]: ref } = top.annotations ?? {};
  const tag = reference.slice(reference.lastIndexOf(":") + 1);
  if (name !== undefined && plain(name) !== plain(reference)) throw new ImageProblem(`index.json names it ${name}`);
  if (ref !== undefined && ref !== tag && plain(ref) !== plain(reference))
    throw new ImageProblem(`index.json names it ${ref}`);
  const images = await imagesBelow(read, top.digest, 0);
  if (images.length !== 1 || images[0]?.config !== `sha256:${imageId}`)
    throw new ImageProblem("index.json leads to another image than manifest.json");
  return [...new Set([top.digest, ...images.map((image) => image.manifest)])].map((one) => one.slice(7));
}

/** An Engine runs nothing of an unknown platform, whatever else it says of itself. */
function isAttestation({ annotations, platform }: z.infer<typeof descriptor>): boolean {
  return annotations?.[ATTESTATION] !== undefined && platform?.os === "unknown" && platform.architecture === "unknown";
}

interface Leaf {
  readonly manifest: string;
  readonly config: string;
}

/** An index may lead to images of several platforms, of which the archive need not hold all. */
async function imagesBelow(read: ReadEntry, manifest: string, depth: number): Promise<readonly Leaf[]> {
  const path = `blobs/sha256/${manifest.slice(7)}`;
  const bytes = await read(path);
  if (bytes === null) return [];
  if (`sha256:${sha256Hex(bytes)}` !== manifest) throw new ImageProblem(`${path} does not have its own sum`);
  const { manifests, config } = await parsed(read, path, either);
  if (manifests === undefined) return config === undefined ? [] : [{ manifest, config: config.digest }];
  if (depth === 2) throw new ImageProblem("its lists of images lead to no end");
  const below: Leaf[] = [];
  for (const each of manifests) {
    if (isAttestation(each)) continue;
    below.push(...(await imagesBelow(read, each.digest, depth + 1)));
  }
  return below;
}
