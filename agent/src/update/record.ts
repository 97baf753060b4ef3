import { code, text, wallMs } from "@fettle/shared/protocol/names.ts";
import * as z from "zod";
import type { Files } from "../system/files.ts";
import type { UpdateLayout } from "./layout.ts";

/**
 * trial: the switch was begun; the guard watches until one of the others. going-back: the guard puts the version before
 * back. The rest is how it ended. Only the switch writes trial, only the new version done, only the guard the way back.
 */
const STATES = ["trial", "going-back", "done", "rolled-back", "refused", "failed"] as const;

/** `update.json`: the last update that this agent took up. Its fields are read by the version before and after. */
const record = z.object({
  state: z.enum(STATES),
  version: z.string().max(40),
  from: z.string().max(40),
  /** The request that it answers. */
  token: z.string().max(64),
  /** Wall-clock ms of the last change of `state`. */
  at: wallMs,
  code: code.optional(),
  reason: text.optional(),
  /** Wall-clock ms of the switch. */
  startedAt: wallMs.default(0),
  bootId: z.string().max(80).default(""),
  /** Rolled back, and in this machine's audit. */
  told: z.boolean().default(false),
  /** How often the machine was started since the switch. */
  boots: z.number().int().default(0),
  /** How often systemd had restarted the agent by itself when it was switched. */
  restarts: z.number().int().default(0),
  /** Units that were replaced; `true`: one of that name was there before and is kept beside this file. */
  units: z.record(z.string().max(80), z.boolean()).default({}),
});
export type UpdateRecord = z.infer<typeof record>;

const VERSION_TEXT = /^\d{1,5}\.\d{1,5}\.\d{1,5}$/;
const MODE = { mode: 0o600 };

/** What is on disk of the last update, and the newest version that ever proved itself here. */
export class UpdateRecords {
  readonly #files: Files;
  readonly #data: string;

  constructor(files: Files, { data }: Pick<UpdateLayout, "data">) {
    this.#files = files;
    this.#data = data;
  }

  /** null when there is none, and when it cannot be read: then nothing is tried, and nothing is put back. */
  async read(): Promise<UpdateRecord | null> {
    const found = await this.#files.readText(`${this.#data}/update.json`).catch(() => null);
    const parsed = record.safeParse(parse(found ?? "null"));
    return parsed.success ? parsed.data : null;
  }

  /** On disk when it resolves: old or new, never a part. */
  async write(next: UpdateRecord): Promise<void> {
    await this.#files.writeAtomic(`${this.#data}/update.json`, JSON.stringify(next), MODE);
  }

  async remove(): Promise<void> {
    await this.#files.remove(`${this.#data}/update.json`);
  }

  async newest(): Promise<string | null> {
    const text = (await this.#files.readText(`${this.#data}/newest-version`).catch(() => null))?.trim() ?? "";
    return VERSION_TEXT.test(text) ? text : null;
  }

  async raiseNewest(version: string): Promise<void> {
    await this.#files.writeAtomic(`${this.#data}/newest-version`, `${version}\n`, MODE);
  }

  /** The guard says which switch it watches, by its time. */
  async noteWatched(startedAt: number): Promise<void> {
    await this.#files.writeAtomic(`${this.#data}/update.watched`, String(startedAt), MODE);
  }

  async watched(): Promise<number> {
    return Number((await this.#files.readText(`${this.#data}/update.watched`).catch(() => null)) ?? 0);
  }

  /** A little room that the guard can give back on a full disk, where it has to write down what it does. */
  async reserve(): Promise<void> {
    await this.#files.writeAtomic(`${this.#data}/update.spare`, Buffer.alloc(SPARE_BYTES, 1), MODE);
  }

  async release(): Promise<void> {
    await this.#files.remove(`${this.#data}/update.spare`);
  }
}

const SPARE_BYTES = 256 * 1024;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
