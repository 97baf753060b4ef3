import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST_SUFFIX } from "@fettle/coordinator/mirror/releases.ts";
import { type ReleaseManifest, releaseArchiveName, type SignedManifest } from "@fettle/shared/release/manifest.ts";
import { signed, signingKey } from "../../../../scripts/release/signing.ts";
import type { BareLab } from "../bare/bare-lab.ts";
import { arch, buildVersion } from "../bare/releases.ts";
import type { LabConfig } from "../config.ts";
import { copyIn } from "../host-files.ts";

/** The version that every broken one is made from; a good one. */
export const GOOD = "0.2.0";
const atCoordinator = "/var/lib/fettle/releases";

/** The good version's archive, built as it is shipped and signed by the lab's key; built once. */
export async function goodRelease({ config }: BareLab): Promise<string> {
  const folder = join(config.folder, "update");
  const archive = join(folder, releaseArchiveName({ product: "fettle-agent", version: GOOD, arch }));
  if (!existsSync(`${archive}${MANIFEST_SUFFIX}`))
    await buildVersion(config, { folder, version: GOOD, agentOnly: true });
  return archive;
}

/**
 * The good version under another number, spoilt by `spoil` and then signed: what a maker could ship by mistake. `spoil`
 * is given the unpacked version's folder.
 */
export async function releaseLike(lab: BareLab, version: string, spoil: (folder: string) => void): Promise<string> {
  const good = await goodRelease(lab);
  const folder = join(lab.config.folder, "update");
  const work = join(folder, `work-${version}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  execFileSync("tar", ["-xzf", good, "-C", work]);
  cpSync(join(work, GOOD), join(work, version), { recursive: true });
  renumber(join(work, version), version);
  spoil(join(work, version));
  const archive = join(folder, releaseArchiveName({ product: "fettle-agent", version, arch }));
  execFileSync("tar", ["--owner=0", "--group=0", "-czf", archive, "-C", work, version]);
  rmSync(work, { recursive: true });
  sign(lab.config, archive, manifestOf(good), version);
  return archive;
}

/** The version is compiled in, as a text of the bundle. */
function renumber(folder: string, version: string): void {
  const files = readdirSync(join(folder, "lib")).filter((name) => name.endsWith(".mjs"));
  for (const path of [...files.map((name) => join(folder, "lib", name)), join(folder, "release.json")]) {
    const text = readFileSync(path, "utf8");
    if (text.includes(`"${GOOD}"`)) writeFileSync(path, text.replaceAll(`"${GOOD}"`, `"${version}"`));
  }
}

export function manifestOf(archive: string): ReleaseManifest {
  const { manifest } = JSON.parse(readFileSync(`${archive}${MANIFEST_SUFFIX}`, "utf8")) as SignedManifest;
  return JSON.parse(manifest) as ReleaseManifest;
}

function sign(config: LabConfig, archive: string, like: ReleaseManifest, version: string): void {
  const content = readFileSync(archive);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const key = signingKey(readFileSync(join(config.folder, "release-keys/one/fettle-release.pem"), "utf8"));
  const made = signed({ ...like, version, size: content.length, sha256 }, [key]);
  writeFileSync(`${archive}${MANIFEST_SUFFIX}`, JSON.stringify(made));
}

/** As somebody does who copies the two files there. */
export async function bring({ coordinator }: BareLab, archive: string): Promise<void> {
  for (const file of [archive, `${archive}${MANIFEST_SUFFIX}`]) await copyIn(coordinator, file, atCoordinator);
  await coordinator.run(["chmod", "-R", "a+rX", atCoordinator]);
}
