import { type ReleaseManifest, releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import type { Host } from "../system/host.ts";
import type { UpdateLayout } from "./layout.ts";

const VERSION_FOLDER = /^\d{1,5}\.\d{1,5}\.\d{1,5}$/;
const LEFT_OVER = /^\.(fetch|unpack)-/;

/** Removes what updates left: every version but those named, and what was being fetched or unpacked. */
export async function tidy(
  { files }: Pick<Host, "files">,
  { programs }: UpdateLayout,
  keep: readonly string[],
): Promise<void> {
  // A link that was changed by hand leads to what is used, whatever this program thinks.
  const links = await Promise.all(["current", "previous"].map((name) => files.readLink(`${programs}/${name}`)));
  const linked = links.map((target) => target?.split("/").at(-1));
  for (const name of (await files.list(programs)) ?? []) {
    const isOld = VERSION_FOLDER.test(name) && !keep.includes(name) && !linked.includes(name);
    if (isOld || LEFT_OVER.test(name)) await files.removeTree(`${programs}/${name}`).catch(() => undefined);
  }
}

/** What was fetched of another release that nobody asks for any more. */
export async function dropOtherFetches(
  { files }: Pick<Host, "files">,
  { programs }: UpdateLayout,
  manifest: ReleaseManifest,
): Promise<void> {
  const own = `.fetch-${releaseArchiveName(manifest)}`;
  for (const name of (await files.list(programs)) ?? [])
    if (LEFT_OVER.test(name) && !name.startsWith(own)) await files.removeTree(`${programs}/${name}`);
}
