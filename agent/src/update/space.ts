import { FettleError } from "@fettle/shared/lib/errors.ts";
import { type ReleaseManifest, releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import type { Host } from "../system/host.ts";
import type { UpdateLayout } from "./layout.ts";

/** An archive unpacks to about three times its size. */
const UNPACKED = 4;
/** What stays free for everything else. */
const MARGIN_BYTES = 64e6;

/** Throws `update.no-space` when the archive and what is in it do not fit beside what is there. */
export async function ensureSpace(
  { files }: Pick<Host, "files">,
  { programs }: UpdateLayout,
  manifest: ReleaseManifest,
): Promise<void> {
  const { version, size } = manifest;
  const part = await files.stat(`${programs}/.fetch-${releaseArchiveName(manifest)}.part`);
  const needed = size * (1 + UNPACKED) + MARGIN_BYTES - (part?.size ?? 0);
  const { freeBytes } = await files.space(programs);
  if (freeBytes >= needed) return;
  const mega = (bytes: number) => Math.ceil(bytes / 1e6);
  throw new FettleError("update.no-space", { version, folder: programs, free: mega(freeBytes), needed: mega(needed) });
}
