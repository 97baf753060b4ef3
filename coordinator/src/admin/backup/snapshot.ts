import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { VERSION } from "@fettle/shared/lib/version.ts";
import { CONFIG_FILE, type Paths } from "../../config.ts";
import { sumOf } from "../../sum-of.ts";
import { keptApart } from "./apart.ts";
import { copyTogether, readDatabase } from "./copies.ts";
import { type BackupFile, CONFIGURATION, DATABASE, FORMAT, MANIFEST, type Manifest } from "./manifest.ts";
import type { Member } from "./members.ts";

export interface SnapshotOptions {
  readonly withCa: boolean;
  readonly at: number;
  readonly signal: AbortSignal;
}

/**
 * Copies database, CA and configuration into `folder`, as of one moment, while the coordinator runs. Throws
 * `backup.damaged-source`, `backup.unsettled`.
 */
export async function takeSnapshot(paths: Paths, folder: string, options: SnapshotOptions): Promise<Manifest> {
  const pki = await copyTogether(paths.data, folder);
  const copy = join(folder, "fettle.db");
  const said = readDatabase(copy);
  const { withCa, at, signal } = options;
  const configuration = await copyConfiguration(paths, folder);
  const database = await sumOf(createReadStream(copy));
  await pipeline(createReadStream(copy), createGzip(), createWriteStream(join(folder, DATABASE)), { signal });
  const members = [...(withCa ? pki : []), ...configuration, await memberOf(folder, DATABASE)];
  const made = { product: "fettle-coordinator", format: FORMAT, version: VERSION, madeAt: at } as const;
  return { ...made, ...said, database, members, pki, withCa, apart: await keptApart(paths.data) };
}

async function copyConfiguration({ config }: Paths, folder: string): Promise<BackupFile[]> {
  const path = join(config, CONFIG_FILE);
  if (!existsSync(path)) return [];
  await copyFile(path, join(folder, CONFIGURATION));
  return [await memberOf(folder, CONFIGURATION)];
}

async function memberOf(folder: string, path: string): Promise<BackupFile> {
  return { path, ...(await sumOf(createReadStream(join(folder, path)))) };
}

/** The manifest first, so that whoever reads knows what is to follow. */
export function membersOf(manifest: Manifest, folder: string): Member[] {
  const text = Buffer.from(JSON.stringify(manifest));
  const files = manifest.members.map(({ path, bytes }) => ({ path, bytes, body: read(join(folder, path)) }));
  return [{ path: MANIFEST, bytes: text.length, body: [text] }, ...files];
}

/** Opened when its turn comes. */
async function* read(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Buffer>;
}
