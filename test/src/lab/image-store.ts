import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Repository -> tag -> digest of the manifest. */
export type Tags = Record<string, Record<string, string>>;
export type Blob = { digest: string; size: number };

// Images as they lie on disk for the registry: FOLDER/blobs/HEX, one per content, and FOLDER/tags.json. Files are
// replaced whole, so that the registry, another process, reads them at any moment.

export function blobPath(folder: string, digest: string): string {
  return join(folder, "blobs", digest.replace("sha256:", ""));
}

export function putBlob(folder: string, content: Buffer | string): Blob {
  const bytes = Buffer.from(content);
  const digest = digestOf(bytes);
  if (!existsSync(blobPath(folder, digest))) replace(blobPath(folder, digest), bytes);
  return { digest, size: bytes.length };
}

/** Brings a blob from one folder into another, unless it is there. */
export function copyBlob(from: string, to: string, digest: string): void {
  const target = blobPath(to, digest);
  if (existsSync(target)) return;
  mkdirSync(join(to, "blobs"), { recursive: true });
  copyFileSync(blobPath(from, digest), `${target}.new`);
  renameSync(`${target}.new`, target);
}

export function readTags(folder: string): Tags {
  const path = join(folder, "tags.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

/** Points a tag at a manifest; a tag that is there already is published anew. */
export function putTag(folder: string, repository: string, tag: string, digest: string): void {
  const tags = readTags(folder);
  tags[repository] = { ...tags[repository], [tag]: digest };
  replace(join(folder, "tags.json"), JSON.stringify(tags));
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function replace(path: string, content: Buffer | string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
