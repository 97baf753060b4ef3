import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { mirrorItem } from "@fettle/shared/mirror/item.ts";
import { hash } from "@fettle/shared/protocol/names.ts";
import * as z from "zod";
import { writeDurably } from "../durable.ts";

const storedItem = z.object({
  item: mirrorItem,
  /** The files that it is made of; one file can belong to several items. */
  files: z.array(z.object({ sha256: hash, size: z.number().int().nonnegative() })).max(600),
  addedAt: z.number(),
});
export type StoredItem = z.infer<typeof storedItem>;
type Key = Pick<StoredItem["item"], "kind" | "name">;

const FILE = "items.json";
const list = z.array(storedItem);

/** What the files in the mirror are; beside them in a file of its own, so that the folder can be carried as a whole. */
export class Items {
  readonly #path: string;
  #all: readonly StoredItem[];

  private constructor(path: string, all: readonly StoredItem[]) {
    this.#path = path;
    this.#all = all;
  }

  /** Throws `mirror.unreadable`. */
  static async open(folder: string): Promise<Items> {
    const path = join(folder, FILE);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "[]";
      throw error;
    });
    try {
      return new Items(path, list.parse(JSON.parse(text)));
    } catch (error) {
      // To begin anew would take the files for left-overs.
      const problem = messageOf(error).slice(0, 200);
      throw new FettleError("mirror.unreadable", { path, problem }, { cause: error });
    }
  }

  get all(): readonly StoredItem[] {
    return this.#all;
  }

  find({ kind, name }: Key): StoredItem | undefined {
    return this.#all.find(({ item }) => item.kind === kind && item.name === name);
  }

  /** Puts it in the place of one of the same kind and name. */
  async put(stored: StoredItem): Promise<void> {
    await this.#write([...this.#without(stored.item), stored]);
  }

  async remove(key: Key): Promise<void> {
    await this.#write(this.#without(key));
  }

  #without({ kind, name }: Key): readonly StoredItem[] {
    return this.#all.filter(({ item }) => item.kind !== kind || item.name !== name);
  }

  async #write(all: readonly StoredItem[]): Promise<void> {
    await writeDurably(this.#path, `${JSON.stringify(all, null, 1)}\n`, 0o600);
    this.#all = all;
  }
}
