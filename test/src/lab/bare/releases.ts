import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "@fettle/shared/lib/version.ts";
import { type Built, buildRelease } from "../../../../scripts/release/build-release.ts";
import type { Arch } from "../../../../scripts/release/pinned.ts";
import { makeReleaseKey, releaseKey, signingKey } from "../../../../scripts/release/signing.ts";
import type { LabConfig } from "../config.ts";

/** Where the lab's releases lie, signed by the lab's own key. */
export type Releases = {
  folder: string;
  version: string;
  arch: Arch;
  /** The coordinator's archive. */
  coordinator: string;
};

export const arch: Arch = process.arch === "arm64" ? "arm64" : "x64";

/** Builds both programs as they are shipped, for this machine's architecture, with two release keys of the lab. */
export async function buildReleases(config: LabConfig): Promise<Releases> {
  const folder = join(config.folder, "release");
  rmSync(folder, { recursive: true, force: true });
  const built = await buildVersion(config, { folder, version: VERSION });
  const coordinator = built.find(({ manifest }) => manifest.product === "fettle-coordinator");
  if (coordinator === undefined) throw new Error("the build made no coordinator");
  return { folder, version: VERSION, arch, coordinator: coordinator.archive };
}

export type VersionOptions = { folder: string; version: string; agentOnly?: boolean };

export function buildVersion(config: LabConfig, options: VersionOptions): Promise<readonly Built[]> {
  const keys = ["one", "two"].map((name) => ensureKey(config, name));
  return buildRelease({
    ...options,
    arches: [arch],
    sign: keys.slice(0, 1).map(({ secret }) => signingKey(readFileSync(secret, "utf8"))),
    releaseKeys: keys.map(({ open }) => releaseKey(readFileSync(open, "utf8"))),
  });
}

function ensureKey(config: LabConfig, name: string): { secret: string; open: string } {
  const folder = join(config.folder, "release-keys", name);
  const paths = { secret: join(folder, "fettle-release.pem"), open: join(folder, "fettle-release.pub") };
  return existsSync(paths.secret) ? paths : makeReleaseKey(folder);
}
