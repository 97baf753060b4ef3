/** An archive as `docker save` writes it: the definition is its only layer. */
import { createHash } from "node:crypto";
import type { Entry } from "../../ollama/ustar.ts";
import { configOf, type ImageDefinition, imageIdOf } from "./definition.ts";
import type { TarFile } from "./untar.ts";

export function archiveEntries(definition: ImageDefinition, tags: readonly string[]): Entry[] {
  const layer = JSON.stringify(definition);
  const name = `blobs/sha256/${createHash("sha256").update(layer).digest("hex")}`;
  const config = `${imageIdOf(definition).slice(7)}.json`;
  const manifest = [{ Config: config, RepoTags: tags, Layers: [name] }];
  return [
    { path: "manifest.json", content: JSON.stringify(manifest) },
    { path: config, content: configOf(definition) },
    { path: name, content: layer },
  ];
}

export interface Archived {
  readonly tags: string[];
  readonly definition: ImageDefinition;
}

/** The first image that an archive holds; null where the definition is not among its layers. */
export function readArchive(files: readonly TarFile[]): Archived | null {
  const textOf = (name: string) => files.find((file) => file.name === name)?.content.toString();
  const [image] = JSON.parse(textOf("manifest.json") ?? "[]") as [{ RepoTags: string[]; Layers: string[] }?];
  const layer = textOf(image?.Layers[0] ?? "");
  return image === undefined || layer === undefined
    ? null
    : { tags: image.RepoTags, definition: JSON.parse(layer) as ImageDefinition };
}
