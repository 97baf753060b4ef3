import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { compareVersions } from "@fettle/shared/lib/versions.ts";
import {
  type ReleaseManifest,
  releaseArchiveName,
  releaseManifest,
  type SignedManifest,
  signedManifest,
} from "@fettle/shared/release/manifest.ts";

/** A release archive that lies here, with the manifest that came with it. */
export interface Release {
  readonly manifest: ReleaseManifest;
  readonly signed: SignedManifest;
  /** The `.tar.gz`. */
  readonly path: string;
}

export const MANIFEST_SUFFIX = ".manifest";

/**
 * The agent's releases in these folders, newest first; of the same version and architecture the first folder's. What
 * cannot be read as a release is left out. Signatures are the agents' to check: no release key is ever here.
 */
export async function releasesIn(folders: readonly string[]): Promise<readonly Release[]> {
  const found = (await Promise.all(folders.map(releasesOf))).flat();
  const first = new Map<string, Release>();
  for (const release of found) {
    const name = releaseArchiveName(release.manifest);
    if (!first.has(name)) first.set(name, release);
  }
  return [...first.values()].sort((a, b) => compareVersions(b.manifest.version, a.manifest.version));
}

async function releasesOf(folder: string): Promise<Release[]> {
  const names = await readdir(folder).catch(() => []);
  const manifests = names.filter((name) => name.endsWith(`.tar.gz${MANIFEST_SUFFIX}`)).sort();
  const read = await Promise.all(manifests.map((name) => readRelease(folder, name)));
  return read.filter((release) => release !== null);
}

async function readRelease(folder: string, name: string): Promise<Release | null> {
  try {
    const signed = signedManifest.parse(JSON.parse(await readFile(join(folder, name), "utf8")));
    const manifest = releaseManifest.parse(JSON.parse(signed.manifest));
    if (manifest.product !== "fettle-agent" || `${releaseArchiveName(manifest)}${MANIFEST_SUFFIX}` !== name)
      return null;
    return { manifest, signed, path: join(folder, releaseArchiveName(manifest)) };
  } catch {
    return null;
  }
}
