import * as z from "zod";
import { sha256Hex } from "../lib/sha256.ts";
import { contentOfConfiguration } from "./image-content.ts";
import { ImageProblem, parsed, plain, type ReadEntry } from "./image-entry.ts";
import { imageIndexOf } from "./image-index.ts";
import type { RandomAccess } from "./random-access.ts";
import { readTar, type TarEntry, TarProblem } from "./tar.ts";

/** The one image that an archive of `docker save` holds. */
export interface ArchivedImage {
  /** sha256 of the image's configuration, 64 hex digits: its id in an Engine with its classic store. */
  readonly imageId: string;
  /** Every id under which an Engine may know this image: one with the containerd store takes a manifest's digest. */
  readonly ids: readonly string[];
  /**
   * Of an archive in the older layout: what the image is, to be held against what an Engine has made of it. One with the
   * containerd store gives such an image a manifest of its own, whose digest nobody knows before.
   */
  readonly content: string | null;
  /** Bytes of the image's layers as they lie in the archive. */
  readonly layerBytes: number;
}

const MOST_BYTES = 1024 * 1024;
const NAMES = [
  /^(?:oci-layout|index\.json|manifest\.json|repositories)$/,
  /^blobs\/?$/,
  /^blobs\/sha256\/?$/,
  /^blobs\/sha256\/[0-9a-f]{64}$/,
  /^[0-9a-f]{64}\.json$/,
  /^[0-9a-f]{64}\/?$/,
  /^[0-9a-f]{64}\/(?:VERSION|json|layer\.tar)$/,
];
/** How an older Engine writes a layer that comes twice. */
const LAYER = /^[0-9a-f]{64}\/layer\.tar$/;
const SAME_LAYER = /^\.\.\/[0-9a-f]{64}\/layer\.tar$/;

const manifests = z.array(
  z.object({ Config: z.string().max(200), RepoTags: z.array(z.string()).nullable(), Layers: z.array(z.string()) }),
);
const repositories = z.record(z.string(), z.record(z.string(), z.string()));

/**
 * Looks into an archive of `docker save` (the older layout and OCI's) before anything loads it: it has to hold exactly
 * one image, under exactly this reference, in every list that an Engine could go by, and nothing beside it. Throws
 * ImageProblem.
 */
export async function readImageArchive(file: RandomAccess, reference: string): Promise<ArchivedImage> {
  const entries = await entriesOf(file);
  const read = reader(file, entries);
  const [image, ...others] = await parsed(read, "manifest.json", manifests);
  if (image === undefined || others.length > 0)
    throw new ImageProblem(`it holds ${others.length === 0 ? "no image" : `${others.length + 1} images`} and not one`);
  const tags = (image.RepoTags ?? []).map(plain);
  if (tags.length !== 1 || tags[0] !== plain(reference))
    throw new ImageProblem(`it holds ${tags.length === 0 ? "an image without a name" : tags.join(", ")}`);
  await checkRepositories(read, reference);
  const { imageId, bytes } = await configOf(read, image.Config);
  const digests = entries.has("index.json") ? await imageIndexOf(read, reference, imageId) : [];
  const layers = image.Layers.map((name) => entries.get(name));
  if (layers.some((layer) => layer === undefined)) throw new ImageProblem("a layer is missing");
  const layerBytes = layers.reduce((sum, layer) => sum + (layer?.size ?? 0), 0);
  const content = digests.length > 0 ? null : contentOfConfiguration(bytes);
  return { imageId, ids: [imageId, ...digests], content, layerBytes };
}

async function entriesOf(file: RandomAccess): Promise<ReadonlyMap<string, TarEntry>> {
  const entries = await tarOf(file);
  for (const { name, kind, target } of entries) {
    const known = NAMES.some((pattern) => pattern.test(name));
    const sameLayer = kind !== "link" || (LAYER.test(name) && SAME_LAYER.test(target));
    if (!known || !sameLayer)
      throw new ImageProblem(`it holds ${JSON.stringify(name.slice(0, 100))}, which no image needs`);
  }
  return new Map(entries.map((entry) => [entry.name, entry]));
}

async function tarOf(file: RandomAccess): Promise<readonly TarEntry[]> {
  try {
    return await readTar(file);
  } catch (error) {
    if (error instanceof TarProblem) throw new ImageProblem(error.message, { cause: error });
    throw error;
  }
}

function reader(file: RandomAccess, entries: ReadonlyMap<string, TarEntry>): ReadEntry {
  return async (name) => {
    const entry = entries.get(name);
    if (entry === undefined) return null;
    if (entry.kind !== "file") throw new ImageProblem(`${name} is no file`);
    if (entry.size > MOST_BYTES) throw new ImageProblem(`${name} is too large`);
    return await file.read(entry.offset, entry.size);
  };
}

async function configOf(read: ReadEntry, name: string): Promise<{ imageId: string; bytes: Uint8Array }> {
  const imageId = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  const bytes = imageId === undefined ? null : await read(name);
  if (imageId === undefined || bytes === null) throw new ImageProblem("the image's configuration is missing");
  if (sha256Hex(bytes) !== imageId) throw new ImageProblem("the image's configuration does not have its own sum");
  return { imageId, bytes };
}

/** The list of names of the oldest layout, which an Engine goes by when there is no other. */
async function checkRepositories(read: ReadEntry, reference: string): Promise<void> {
  const bytes = await read("repositories");
  if (bytes === null) return;
  const named = Object.entries(await parsed(read, "repositories", repositories)).flatMap(([repository, tags]) =>
    Object.keys(tags).map((tag) => plain(`${repository}:${tag}`)),
  );
  if (named.some((name) => name !== plain(reference))) throw new ImageProblem(`it also names ${named.join(", ")}`);
}
