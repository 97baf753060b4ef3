import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { MirrorAddition } from "@fettle/shared/api/mirror.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { MirrorItem, MirrorKind } from "@fettle/shared/mirror/item.ts";
import { addAgent } from "./add-agent.ts";
import { gatewayOf, modelOf, ollamaOf } from "./added.ts";
import { Blobs, type Expected } from "./blobs.ts";
import { type Checked, checkFiles } from "./check.ts";
import { Items, type StoredItem } from "./items.ts";

export interface MirrorParts {
  /** The coordinator's data folder. */
  readonly data: string;
  readonly clock: Clock;
}

/** As many as agents are told of. */
const MOST_ITEMS = 200;

/** What this coordinator serves in place of the internet. It belongs to no stack: every agent may read it. */
export class Mirror {
  readonly folder: string;
  readonly #releases: string;
  readonly #clock: Clock;
  readonly #blobs: Blobs;
  readonly #items: Items;
  /** One change at a time: what is in use is counted before anything is removed. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor({ data, clock }: MirrorParts, folder: string, blobs: Blobs, items: Items) {
    this.folder = folder;
    this.#releases = join(data, "releases");
    this.#clock = clock;
    this.#blobs = blobs;
    this.#items = items;
  }

  /** Throws `mirror.unreadable`. */
  static async open(parts: MirrorParts): Promise<Mirror> {
    const folder = join(parts.data, "mirror");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const mirror = new Mirror(parts, folder, await Blobs.open(folder), await Items.open(folder));
    await mirror.#sweep();
    return mirror;
  }

  /** As agents are told of them. */
  get items(): readonly MirrorItem[] {
    return this.#items.all.map(({ item }) => item);
  }

  get stored(): readonly StoredItem[] {
    return this.#items.all;
  }

  /** True when agents need `mirror: true` in their policy to take what is here. */
  get holdsProducts(): boolean {
    return this.items.some(({ kind }) => kind !== "ollama");
  }

  /** A file that may be read by agents: one that an item names, and that is there. */
  async served(sha256: string): Promise<{ readonly path: string; readonly size: number } | null> {
    if (!this.#named().has(sha256)) return null;
    const size = await this.#blobs.sizeOf(sha256);
    return size === null ? null : { path: this.#blobs.path(sha256), size };
  }

  async has(sha256: string): Promise<boolean> {
    return (await this.#blobs.sizeOf(sha256)) !== null;
  }

  freeBytes(): Promise<number> {
    return this.#blobs.freeBytes();
  }

  /** Throws `mirror.disk-full`, `mirror.upload-cut`, `mirror.sum-differs`; nothing of it is left then. */
  receive(expected: Expected, source: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#blobs.receive(expected, source);
  }

  /** Takes back a file that was sent, unless something needs it; how many bytes that freed. */
  drop(sha256: string): Promise<number> {
    return this.#alone(() => this.#dropUnused([sha256]));
  }

  /** Says what files that are here are, after looking into them. Throws what is wrong with them, with a code. */
  add(
    addition: MirrorAddition,
  ): Promise<{ kind: string; name: string; sha256: string; size: number; imageId?: string }> {
    return this.#alone(async () => {
      if (addition.kind === "agent") return await addAgent(this.#blobs, this.#releases, addition);
      const stored = await this.#look(addition).catch(async (error: unknown) => {
        await this.#dropUnused(addition.kind === "model" ? [] : [addition.sha256]);
        throw error;
      });
      const before = this.#items.find(stored.item);
      if (before === undefined && this.#items.all.length >= MOST_ITEMS)
        throw new FettleError("mirror.full", { most: MOST_ITEMS });
      await this.#items.put(stored);
      await this.#dropUnused((before?.files ?? []).map(({ sha256 }) => sha256));
      await this.#sweepNow();
      const { imageId, ...item } = stored.item;
      return imageId === undefined ? item : { ...item, imageId };
    });
  }

  /** Takes it out, with the files that nothing else needs; how many bytes that freed. Throws `mirror.not-there`. */
  remove(kind: MirrorKind, name: string): Promise<number> {
    return this.#alone(async () => {
      const stored = this.#items.find({ kind, name });
      if (stored === undefined) throw new FettleError("mirror.not-there", { kind, name });
      await this.#items.remove({ kind, name });
      return await this.#dropUnused(stored.files.map(({ sha256 }) => sha256));
    });
  }

  /** Reads every file again and says which are not what they were. */
  async check(): Promise<Checked> {
    await this.#sweep();
    return await checkFiles(this.#blobs, this.#items.all);
  }

  async #look(addition: Exclude<MirrorAddition, { kind: "agent" }>): Promise<StoredItem> {
    const at = this.#clock.now();
    switch (addition.kind) {
      case "ollama":
        return await ollamaOf(this.#blobs, addition, at);
      case "gateway":
        return await gatewayOf(this.#blobs, addition, at);
      case "model":
        return await modelOf(this.#blobs, addition, at);
    }
  }

  async #dropUnused(files: readonly string[]): Promise<number> {
    const named = this.#named();
    let freed = 0;
    for (const sha256 of new Set(files)) if (!named.has(sha256)) freed += await this.#blobs.remove(sha256);
    return freed;
  }

  #named(): ReadonlySet<string> {
    return new Set(this.#items.all.flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
  }

  #sweep(): Promise<void> {
    return this.#alone(() => this.#sweepNow());
  }

  #sweepNow(): Promise<void> {
    // Files carry the time of the system's clock.
    return this.#blobs.sweep(this.#named(), Date.now());
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => undefined);
    return next;
  }
}
