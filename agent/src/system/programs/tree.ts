import { constants } from "node:fs";
import { mkdir, open, symlink } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import type { ArchiveManifest } from "../archives.ts";

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** A folder that is filled with what an archive names; every name is checked before anything is written. */
export class Tree {
  readonly #root: string;
  readonly #folders = new Set(["."]);
  readonly #files = new Map<string, number>();
  readonly #links = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  async folder(name: string): Promise<void> {
    await this.#makeFolder(pathOf(name));
  }

  async file(name: string, content: AsyncIterable<Uint8Array>, program: boolean): Promise<void> {
    const path = await this.#newEntry(name);
    const file = await open(join(this.#root, path), NEW_FILE, program ? 0o755 : 0o644);
    let size = 0;
    try {
      for await (const chunk of content) {
        await file.writeFile(chunk);
        size += chunk.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    this.#files.set(path, size);
  }

  async link(name: string, target: string): Promise<void> {
    const path = await this.#newEntry(name);
    if (target === "" || target.includes("\0") || target.startsWith("/") || leaves(join(dirname(path), target)))
      throw new Error(`the link ${name} leads out of the archive, to ${target}`);
    await symlink(target, join(this.#root, path));
    this.#links.set(path, target);
  }

  /** Writes `manifest.json`. */
  async finish(): Promise<void> {
    const manifest: ArchiveManifest = {
      files: Object.fromEntries(this.#files),
      links: Object.fromEntries(this.#links),
    };
    const file = await open(join(this.#root, MANIFEST), NEW_FILE, 0o644);
    try {
      await file.writeFile(JSON.stringify(manifest));
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #newEntry(name: string): Promise<string> {
    const path = pathOf(name);
    if (this.#has(path) || this.#folders.has(path) || path === MANIFEST) throw new Error(`${name} is there twice`);
    await this.#makeFolder(dirname(path));
    return path;
  }

  /** Only folders made here are gone through, so that no link is ever followed. */
  async #makeFolder(path: string): Promise<void> {
    if (this.#folders.has(path)) return;
    if (this.#has(path)) throw new Error(`${path} is not a folder`);
    await this.#makeFolder(dirname(path));
    await mkdir(join(this.#root, path), { mode: 0o755 });
    this.#folders.add(path);
  }

  #has(path: string): boolean {
    return this.#files.has(path) || this.#links.has(path);
  }
}

const MANIFEST = "manifest.json";

function pathOf(name: string): string {
  const path = normalize(name).replace(/\/$/, "");
  if (name === "" || name.includes("\0") || path.startsWith("/") || name.split("/").includes("..") || leaves(path))
    throw new Error(`the name ${JSON.stringify(name)} leads out of the archive`);
  return path;
}

function leaves(path: string): boolean {
  const plain = normalize(path);
  return plain === ".." || plain.startsWith("../") || plain.startsWith("/");
}
