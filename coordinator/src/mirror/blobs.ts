import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { syncFolder } from "../durable.ts";

export interface Expected {
  /** 64 hex digits. */
  readonly sha256: string;
  readonly size: number;
}

/** What has to stay free on the disk beside what is brought. */
const SPARE_BYTES = 512 * 1024 * 1024;
/** A file that no item names yet may belong to a model that is just being sent. */
const ORPHAN_MS = 24 * 3_600_000;
const NAME = /^[0-9a-f]{64}$/;

/** Files by their sum. One is there whole, with the sum that is its name, or not at all. */
export class Blobs {
  readonly #folder: string;
  readonly #incoming: string;

  private constructor(folder: string) {
    this.#folder = join(folder, "blobs");
    this.#incoming = join(folder, "incoming");
  }

  /** What an earlier life was sent in part is removed. */
  static async open(folder: string): Promise<Blobs> {
    const blobs = new Blobs(folder);
    await mkdir(blobs.#folder, { recursive: true, mode: 0o700 });
    await rm(blobs.#incoming, { recursive: true, force: true });
    await mkdir(blobs.#incoming, { mode: 0o700 });
    return blobs;
  }

  path(sha256: string): string {
    if (!NAME.test(sha256)) throw new Error("impossible: a file's sum that is none");
    return join(this.#folder, sha256);
  }

  /** null when there is none. */
  async sizeOf(sha256: string): Promise<number | null> {
    const found = await stat(this.path(sha256)).catch(() => null);
    return found?.isFile() ? found.size : null;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  /**
   * Takes a file as it comes, hashing it on its way. Throws `mirror.disk-full`, `mirror.upload-cut` or
   * `mirror.sum-differs`, and then nothing of it is left.
   */
  async receive(expected: Expected, source: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#mustFit(expected.size);
    const beside = join(this.#incoming, `${expected.sha256}.${randomUUID()}`);
    try {
      await this.#write(beside, expected, source);
      await rename(beside, this.path(expected.sha256));
    } finally {
      await rm(beside, { force: true });
    }
    await syncFolder(this.#folder);
  }

  async remove(sha256: string): Promise<number> {
    const size = (await this.sizeOf(sha256)) ?? 0;
    await rm(this.path(sha256), { force: true });
    return size;
  }

  /** Removes what nobody names and nobody has sent lately. */
  async sweep(named: ReadonlySet<string>, now: number): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (named.has(name) || !NAME.test(name)) continue;
      const found = await stat(join(this.#folder, name)).catch(() => null);
      if (found !== null && now - found.mtimeMs > ORPHAN_MS) await rm(join(this.#folder, name), { force: true });
    }
  }

  async #mustFit(size: number): Promise<void> {
    const freeBytes = await this.freeBytes();
    if (size + SPARE_BYTES <= freeBytes) return;
    throw diskFull(this.#folder, size + SPARE_BYTES, freeBytes);
  }

  async #write(path: string, { sha256, size }: Expected, source: AsyncIterable<Uint8Array>): Promise<void> {
    const hash = createHash("sha256");
    let got = 0;
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of bounded(source, size)) {
        await this.#append(file, chunk, size);
        hash.update(chunk);
        got += chunk.length;
      }
      await file.sync();
    } catch (error) {
      if (error instanceof FettleError) throw error;
      const args = { got, wanted: size, problem: messageOf(error).slice(0, 200) };
      throw new FettleError("mirror.upload-cut", args, { cause: error });
    } finally {
      await file.close();
    }
    if (got !== size) throw new FettleError("mirror.upload-cut", { got, wanted: size, problem: "it ended" });
    const found = hash.digest("hex");
    if (found !== sha256) throw new FettleError("mirror.sum-differs", { what: "The file", found, wanted: sha256 });
  }

  async #append(file: FileHandle, chunk: Uint8Array, size: number): Promise<void> {
    try {
      await file.writeFile(chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      throw diskFull(this.#folder, size + SPARE_BYTES, await this.freeBytes());
    }
  }
}

/** Never more than was announced: an endless body fills no disk. */
async function* bounded(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const chunk of source) {
    if (chunk.length > left) throw new Error(`more than the ${size} bytes that were announced`);
    left -= chunk.length;
    yield chunk;
  }
}

function diskFull(folder: string, needed: number, free: number): FettleError {
  return new FettleError("mirror.disk-full", { folder, needed: gigabytes(needed), free: gigabytes(free) });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
