import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../log.ts";
import { Blobs } from "./blobs.ts";
import { allLayers, type Manifest, parseManifest, sha256 } from "./manifest.ts";
import { isValid, type ModelName, pathParts } from "./model-name.ts";
import { goFileError, traversable } from "./traversable.ts";

export interface StoredModel {
  name: ModelName;
  manifest: Manifest;
  /** Hex sha256 of the manifest file. */
  digest: string;
  modifiedAt: Date;
}

/** What lies on disk, read anew each time: models copied in by hand are seen without a restart. */
export class ModelStore {
  readonly blobs: Blobs;
  readonly #folder: string;
  readonly #log: Log;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
    this.blobs = new Blobs(folder);
  }

  /** The model of this name; a name that differs in upper and lower case only is the same. undefined: there is none. */
  get(wanted: ModelName): StoredModel | undefined {
    const name = this.existing(wanted);
    const path = join(this.#manifests(), ...pathParts(name));
    try {
      return read(name, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error((error as Error).message, { cause: error });
    }
  }

  /** All that can be read; a broken manifest is warned about and left out. */
  list(): StoredModel[] {
    return this.#read((name, error) => {
      this.#log.warn("manifest.go:196", "bad manifest", { name, error: error.message });
    });
  }

  /** The first manifest that is broken, which stops the prune. */
  broken(): Error | undefined {
    let first: Error | undefined;
    this.#read((name, error) => {
      first ??= new Error(`${name} ${error.message}`);
    });
    return first;
  }

  existing(wanted: ModelName): ModelName {
    const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
    const found = this.#names().find((name) =>
      pathParts(name).every((part, index) => same(part, pathParts(wanted)[index] ?? "")),
    );
    return found === undefined ? wanted : { ...found, scheme: wanted.scheme };
  }

  /** Not atomic, as in the real one: whoever reads at the same time may see half of it. */
  write(name: ModelName, text: string): void {
    const path = join(this.#manifests(), ...pathParts(name));
    try {
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, text);
    } catch (error) {
      throw new Error(goFileError(error), { cause: error });
    }
  }

  remove(model: StoredModel): void {
    rmSync(join(this.#manifests(), ...pathParts(model.name)));
    this.pruneFolders();
    this.removeUnused(allLayers(model.manifest).map((layer) => layer.digest));
  }

  /** Removes those of the digests that no manifest names; returns how many that were. */
  removeUnused(digests: string[]): number {
    const used = new Set(this.list().flatMap((model) => allLayers(model.manifest).map((layer) => layer.digest)));
    const unused = [...new Set(digests)].filter((digest) => digest !== "" && !used.has(digest));
    for (const digest of unused) this.blobs.remove(digest);
    return unused.length;
  }

  /** Empty folders below `manifests` go. */
  pruneFolders(folder = this.#manifests()): void {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) this.pruneFolders(join(folder, entry.name));
    }
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  }

  #manifests(): string {
    const folder = join(this.#folder, "manifests");
    traversable(() => mkdirSync(folder, { recursive: true }));
    return folder;
  }

  #names(): ModelName[] {
    const files = (parts: string[]): string[][] =>
      readdirSync(join(this.#manifests(), ...parts), { withFileTypes: true }).flatMap((entry) => {
        if (parts.length === 3) return entry.isDirectory() ? [] : [[...parts, entry.name]];
        return entry.isDirectory() ? files([...parts, entry.name]) : [];
      });
    return files([])
      .map(([host = "", namespace = "", model = "", tag = ""]) => ({ scheme: "https", host, namespace, model, tag }))
      .filter(isValid);
  }

  #read(onBroken: (name: string, error: Error) => void): StoredModel[] {
    return this.#names().flatMap((name) => {
      try {
        return [read(name, join(this.#manifests(), ...pathParts(name)))];
      } catch (error) {
        onBroken(pathParts(name).slice(0, 3).join("/").concat(":", name.tag), error as Error);
        return [];
      }
    });
  }
}

function read(name: ModelName, path: string): StoredModel {
  const text = readFileSync(path, "utf8");
  return { name, manifest: parseManifest(text), digest: sha256(text), modifiedAt: statSync(path).mtime };
}
