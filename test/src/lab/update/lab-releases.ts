import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MANIFEST_SUFFIX } from "@fettle/coordinator/mirror/releases.ts";
import { type ReleaseManifest, releaseArchiveName, type SignedManifest } from "@fettle/shared/release/manifest.ts";
import { signed, signingKey } from "../../../../scripts/release/signing.ts";
import type { BareLab } from "../bare/bare-lab.ts";
import { blockThat } from "../bare/page.ts";
import { arch, buildVersion } from "../bare/releases.ts";
import { copyIn } from "../host-files.ts";

/** The version that every broken one is made from; a good one. */
export const GOOD = "0.2.0";

/** What a release is made like, and the private key that signs it. */
export type Model = { archive: string; key: string };

/** The good version's archive, built as it is shipped and signed by the lab's key; built once. */
export async function goodRelease({ config }: BareLab): Promise<string> {
  const folder = join(config.folder, "update");
  const archive = join(folder, releaseArchiveName({ product: "fettle-agent", version: GOOD, arch }));
  if (!existsSync(`${archive}${MANIFEST_SUFFIX}`))
    await buildVersion(config, { folder, version: GOOD, agentOnly: true });
  return archive;
}

/** The good version under another number, spoilt by `spoil`. */
export async function releaseLike(lab: BareLab, version: string, spoil: (folder: string) => void): Promise<string> {
  const key = join(lab.config.folder, "release-keys/one/fettle-release.pem");
  return renumbered({ archive: await goodRelease(lab), key }, version, spoil);
}

/**
 * A release under another number, spoilt by `spoil` and then signed: what a maker could ship by mistake. `spoil` is given
 * the unpacked version's folder. Lies beside the one that it is made like.
 */
export function renumbered({ archive: like, key }: Model, version: string, spoil: (folder: string) => void): string {
  const folder = dirname(like);
  const before = manifestOf(like);
  const work = join(folder, `work-${version}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  execFileSync("tar", ["-xzf", like, "-C", work]);
  cpSync(join(work, before.version), join(work, version), { recursive: true });
  renumber(join(work, version), before.version, version);
  spoil(join(work, version));
  const archive = join(folder, releaseArchiveName({ product: "fettle-agent", version, arch }));
  execFileSync("tar", ["--owner=0", "--group=0", "-czf", archive, "-C", work, version]);
  rmSync(work, { recursive: true });
  const content = readFileSync(archive);
  const sha256 = createHash("sha256").update(content).digest("hex");
  sign(archive, { ...before, version, size: content.length, sha256 }, [key]);
  return archive;
}

/** The version is compiled in, as a text of the bundle. */
function renumber(folder: string, before: string, version: string): void {
  const files = readdirSync(join(folder, "lib")).filter((name) => name.endsWith(".mjs"));
  for (const path of [...files.map((name) => join(folder, "lib", name)), join(folder, "release.json")]) {
    const text = readFileSync(path, "utf8");
    if (text.includes(`"${before}"`)) writeFileSync(path, text.replaceAll(`"${before}"`, `"${version}"`));
  }
}

export function manifestOf(archive: string): ReleaseManifest {
  const { manifest } = JSON.parse(readFileSync(`${archive}${MANIFEST_SUFFIX}`, "utf8")) as SignedManifest;
  return JSON.parse(manifest) as ReleaseManifest;
}

/** Lays the manifest beside the archive, signed by these private keys. */
export function sign(archive: string, manifest: ReleaseManifest, keys: readonly string[]): void {
  const made = signed(
    manifest,
    keys.map((path) => signingKey(readFileSync(path, "utf8"))),
  );
  writeFileSync(`${archive}${MANIFEST_SUFFIX}`, JSON.stringify(made));
}

/** As docs/update.md says: both files copied to the coordinator's machine, and the archive added there. */
export async function bring({ coordinator }: BareLab, archive: string): Promise<string> {
  for (const file of [archive, `${archive}${MANIFEST_SUFFIX}`]) await copyIn(coordinator, file, "/root/releases");
  const block = blockThat("update.md", "## Update the agents", "fettle mirror add agent").replace(
    /fettle-agent-\S+\.tar\.gz/,
    basename(archive),
  );
  const said = await coordinator.run(["sh", "-ec", `cd /root/releases\n${block}`], { timeoutMs: 120_000 });
  await coordinator.run(["rm", "-r", "/root/releases"]);
  return said;
}
