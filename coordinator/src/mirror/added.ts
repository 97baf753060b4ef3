import { readFile } from "node:fs/promises";
import type { MirrorAddition } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { readImageArchive } from "@fettle/shared/mirror/image-archive.ts";
import { ImageProblem } from "@fettle/shared/mirror/image-entry.ts";
import { blobsOfManifest, MOST_MANIFEST_BYTES } from "@fettle/shared/mirror/model-manifest.ts";
import { parseModelName, shortModelName } from "@fettle/shared/roles/model-name.ts";
import { OLLAMA_ARCHIVES } from "@fettle/shared/roles/ollama-archives.ts";
import type { Blobs } from "./blobs.ts";
import { withFile } from "./file-access.ts";
import type { StoredItem } from "./items.ts";

type Addition<Kind> = Extract<MirrorAddition, { kind: Kind }>;

/** An archive of Ollama. The sum of a version that Fettle knows has to be the one that it knows. */
export async function ollamaOf(blobs: Blobs, addition: Addition<"ollama">, addedAt: number): Promise<StoredItem> {
  const { version, arch, sha256 } = addition;
  const name = `${version}-${arch}`;
  const wanted = OLLAMA_ARCHIVES[version]?.[arch] ?? sha256;
  if (sha256 !== wanted) throw new FettleError("mirror.sum-differs", { what: `Ollama ${name}`, found: sha256, wanted });
  const size = await mustHave(blobs, sha256, `Ollama ${name}`);
  return { item: { kind: "ollama", name, sha256, size }, files: [{ sha256, size }], addedAt };
}

/** An archive of `docker save`, which has to hold exactly this image. */
export async function gatewayOf(blobs: Blobs, addition: Addition<"gateway">, addedAt: number): Promise<StoredItem> {
  const { reference, sha256 } = addition;
  const size = await mustHave(blobs, sha256, reference);
  const imageId = await withFile(blobs.path(sha256), async (file) => {
    const found = await readImageArchive(file, reference).catch((error: unknown) => {
      if (!(error instanceof ImageProblem)) throw error;
      throw new FettleError("mirror.bad-image", { reference, problem: error.message.slice(0, 300) }, { cause: error });
    });
    if (addition.imageId !== undefined && !found.ids.includes(addition.imageId))
      throw new FettleError("mirror.bad-image", { reference, problem: `its id is ${found.imageId}` });
    return found.imageId;
  });
  return { item: { kind: "gateway", name: reference, sha256, size, imageId }, files: [{ sha256, size }], addedAt };
}

/** A model by its manifest; every file that this names has to be here. */
export async function modelOf(blobs: Blobs, addition: Addition<"model">, addedAt: number): Promise<StoredItem> {
  const { name, sha256 } = addition;
  if (parseModelName(name) === null) throw badModel(name, "that is no model's name");
  const size = await mustHave(blobs, sha256, `the model ${name}`);
  const text = size > MOST_MANIFEST_BYTES ? "" : await readFile(blobs.path(sha256), "utf8");
  const named = blobsOfManifest(text);
  if (named === null) throw badModel(name, "its manifest is none of a model");
  for (const file of named) {
    const found = await mustHave(blobs, file.sha256, `the model ${name}`);
    if (found !== file.size) throw badModel(name, `sha256-${file.sha256} has ${found} bytes and not ${file.size}`);
  }
  const bytes = named.reduce((sum, file) => sum + file.size, 0);
  const item = { kind: "model", name: shortModelName(name), sha256, size: bytes } as const;
  return { item, files: [{ sha256, size }, ...named], addedAt };
}

async function mustHave(blobs: Blobs, sha256: string, what: string): Promise<number> {
  const size = await blobs.sizeOf(sha256);
  if (size === null) throw new FettleError("mirror.no-blob", { sha256, what });
  return size;
}

function badModel(name: string, problem: string): FettleError {
  return new FettleError("mirror.bad-model", { name, from: "What was given", problem });
}
