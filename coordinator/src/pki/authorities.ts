import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { syncFolder, writeDurably } from "../durable.ts";
import { AUTHORITY_FILES, type Authority, createAuthority, loadAuthority } from "./authority.ts";
import { isThere, readPem } from "./pem-file.ts";

/**
 * The authority in use and, during a rotation, the one that comes (`next/`: every agent is to trust it too) or the one
 * that goes (`old/`: its agents are still let in). What the folders hold is the state of the rotation, so that a crash
 * loses nothing of it: `next/` beside `old/` is a switch that was cut off, and it is finished when they are loaded.
 */
export interface Authorities {
  readonly active: Authority;
  readonly next: Authority | null;
  readonly old: Authority | null;
}

/** Throws `coordinator.bad-pki` or `coordinator.exposed`. */
export async function loadAuthorities(folder: string): Promise<Authorities> {
  await removeRemains(folder);
  if ((await isThere(join(folder, "next"))) && (await isThere(join(folder, "old")))) await moveIn(folder);
  const [active, next, old] = await Promise.all([
    loadAuthority(folder),
    optional(join(folder, "next")),
    optional(join(folder, "old")),
  ]);
  return { active, next, old };
}

/** Makes the authority that comes. Does nothing when a rotation is under way. */
export async function prepareNext(folder: string, coordinatorId: string, clock: Clock): Promise<Authorities> {
  const now = await loadAuthorities(folder);
  if (now.next !== null || now.old !== null) return now;
  const beside = join(folder, `.${randomUUID()}`);
  await createAuthority(beside, coordinatorId, clock);
  await rename(beside, join(folder, "next"));
  await syncFolder(folder);
  return await loadAuthorities(folder);
}

/** The next one is the one in use from now on. Does nothing when there is none. */
export async function switchOver(folder: string): Promise<Authorities> {
  const { next } = await loadAuthorities(folder);
  if (next === null) return await loadAuthorities(folder);
  const beside = join(folder, `.${randomUUID()}`);
  await mkdir(beside, { mode: 0o700 });
  for (const file of AUTHORITY_FILES) await copyIfThere(join(folder, file), join(beside, file));
  await rename(beside, join(folder, "old"));
  await syncFolder(folder);
  await moveIn(folder);
  return await loadAuthorities(folder);
}

/** Whatever the old one made counts no more. */
export async function dropOld(folder: string): Promise<Authorities> {
  const gone = join(folder, `.${randomUUID()}`);
  if (await isThere(join(folder, "old"))) await rename(join(folder, "old"), gone);
  await syncFolder(folder);
  await rm(gone, { recursive: true, force: true });
  return await loadAuthorities(folder);
}

/** Puts what `next/` holds in the place of the one in use; `next/` goes last, so that this can be repeated. */
async function moveIn(folder: string): Promise<void> {
  for (const file of AUTHORITY_FILES) {
    const text = await readPem(join(folder, "next", file)).catch(() => null);
    if (text === null) await rm(join(folder, file), { force: true });
    else await writeDurably(join(folder, file), text, file.endsWith(".key") ? 0o600 : 0o644);
  }
  const gone = join(folder, `.${randomUUID()}`);
  await rename(join(folder, "next"), gone);
  await syncFolder(folder);
  await rm(gone, { recursive: true, force: true });
}

async function optional(folder: string): Promise<Authority | null> {
  return (await isThere(folder)) ? await loadAuthority(folder) : null;
}

async function copyIfThere(from: string, to: string): Promise<void> {
  if (await isThere(from)) await copyFile(from, to);
}

/** What a crash left half made or half removed. */
async function removeRemains(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names)
    if (/^\.[0-9a-f-]{36}$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}
