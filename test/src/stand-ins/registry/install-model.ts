import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ModelSpec, publish } from "./models.ts";

/** Puts a model into a models' folder as a copy by hand would: manifest and blobs, no server asked. */
export function installModel(models: string, spec: ModelSpec): void {
  const { repository, tag, manifest, blobs } = publish(spec);
  const host = spec.name.split("/").length > 2 ? (spec.name.split("/")[0] ?? "") : "registry.ollama.ai";
  const write = (path: string, bytes: string | Buffer): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  };
  for (const blob of blobs) {
    write(join(models, "blobs", blob.digest.replace(":", "-")), blob.read(0, blob.size));
  }
  write(join(models, "manifests", host, repository, tag), manifest);
}
