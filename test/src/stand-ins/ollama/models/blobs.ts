import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Layer, sha256 } from "./manifest.ts";
import { traversable } from "./traversable.ts";

const DIGEST = /^sha256[:-][0-9a-fA-F]{64}$/;

/** The folder `blobs`: files named `sha256-<hex>`, and what pulls leave there (`-partial`, `-partial-N`). */
export class Blobs {
  readonly #models: string;

  constructor(models: string) {
    this.#models = models;
  }

  folder(): string {
    const folder = join(this.#models, "blobs");
    traversable(() => mkdirSync(folder, { recursive: true }));
    return folder;
  }

  path(digest: string): string {
    if (!DIGEST.test(digest)) throw new Error("invalid digest format");
    return join(this.folder(), digest.replace(":", "-"));
  }

  has(digest: string): boolean {
    return existsSync(this.path(digest));
  }

  sizeOf(digest: string): number {
    return statSync(this.path(digest)).size;
  }

  text(digest: string): string {
    return readFileSync(this.path(digest), "utf8");
  }

  write(mediaType: string, bytes: string | Uint8Array): Layer {
    const digest = `sha256:${sha256(bytes)}`;
    if (!this.has(digest)) writeFileSync(this.path(digest), bytes);
    return { mediaType, digest, size: Buffer.byteLength(bytes) };
  }

  remove(digest: string): void {
    rmSync(this.path(digest), { force: true });
  }

  /** The digest that the bytes on disk really have. */
  async digestOf(digest: string): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.path(digest))) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  }

  /** Files that have been there for at least `ageMs`, apart into blobs (as digests) and others (as names). */
  olderThan(ageMs: number): { digests: string[]; others: string[] } {
    const names = readdirSync(this.folder()).filter(
      (name) => Date.now() - statSync(join(this.folder(), name)).mtimeMs >= ageMs,
    );
    return {
      digests: names.filter((name) => DIGEST.test(name)).map((name) => name.replace("-", ":")),
      others: names.filter((name) => !DIGEST.test(name)),
    };
  }

  removeFile(name: string): void {
    rmSync(join(this.folder(), name), { force: true, recursive: true });
  }
}
