import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import { sumOf } from "../../sum-of.ts";
import { type BackupFile, DATABASE, type Manifest } from "../backup/manifest.ts";
import { archiveBytes, type Member, unpack } from "../backup/members.ts";
import { unseal } from "../backup/sealed.ts";
import { readManifest } from "./read-manifest.ts";

/** Every backup is longer than this, and its manifest stands before it. */
const FIRST_BYTES = 70 * 1024;

/**
 * Decrypts the whole backup into `folder` and holds every byte of it against its sums: `fettle.db` and what else was in
 * it lie there then. Throws `backup.wrong-passphrase`, `backup.cut`, `backup.tampered`, `backup.not-a-backup`,
 * `backup.unreadable`, `backup.newer`.
 */
export async function openBackup(
  file: string,
  passphrase: Secret,
  folder: string,
  signal: AbortSignal,
): Promise<Manifest> {
  const sealedBytes = await sizeOf(file);
  const sealed = createReadStream(file, { signal }) as AsyncIterable<Buffer>;
  const opened = await unseal(file, passphrase, sealed, sealedBytes);
  const isCut = (whole: number | null) =>
    whole === null ? sealedBytes < FIRST_BYTES : opened.bytes === null || opened.bytes < whole;
  let whole: number | null = null;
  try {
    const members = unpack(opened.plain);
    const first = await next(members);
    const manifest = await readManifest(file, first);
    whole = archiveBytes([first, ...manifest.members]);
    for (const wanted of manifest.members) await keep(await next(members), wanted, folder);
    if ((await members.next()).done !== true) throw new Error("more is in it than it says");
    await inflate(manifest, folder, signal);
    return manifest;
  } catch (cause) {
    if (cause instanceof FettleError || signal.aborted || isOfTheSystem(cause)) throw cause;
    if (isCut(whole)) throw new FettleError("backup.cut", { file }, { cause });
    throw new FettleError("backup.tampered", { file, problem: messageOf(cause) }, { cause });
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw new FettleError("backup.unreadable", { file, problem: messageOf(error) }, { cause: error });
  }
}

/** What the disk has against it is not the file's doing. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

async function next(members: AsyncGenerator<Member>): Promise<Member> {
  const { done, value } = await members.next();
  if (done === true) throw new Error("less is in it than it says");
  return value;
}

async function keep(member: Member, wanted: BackupFile, folder: string): Promise<void> {
  if (member.path !== wanted.path || member.bytes !== wanted.bytes) throw new Error(`${wanted.path} is not there`);
  const path = join(folder, wanted.path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await pipeline(member.body, createWriteStream(path, { flags: "wx", mode: 0o600 }));
  await expect(path, wanted);
}

async function inflate({ database }: Manifest, folder: string, signal: AbortSignal): Promise<void> {
  const path = join(folder, "fettle.db");
  let left = database.bytes;
  const limit = async function* (pieces: AsyncIterable<Buffer>) {
    for await (const piece of pieces) {
      left -= piece.length;
      if (left < 0) throw new Error("the database is longer than it says");
      yield piece;
    }
  };
  const target = createWriteStream(path, { flags: "wx", mode: 0o600 });
  await pipeline(createReadStream(join(folder, DATABASE)), createGunzip(), limit, target, { signal });
  await expect(path, database);
}

async function expect(path: string, { bytes, sha256 }: Pick<BackupFile, "bytes" | "sha256">): Promise<void> {
  const found = await sumOf(createReadStream(path));
  if (found.bytes !== bytes || found.sha256 !== sha256) throw new Error("a sum is wrong");
}
