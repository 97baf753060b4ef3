import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { keyId } from "@fettle/agent/update/signed.ts";
import { type ReleaseManifest, releaseArchiveName, type SignedManifest } from "@fettle/shared/release/manifest.ts";

export interface ReleaseKey {
  /** SPKI in base64, as policy and builds name it. */
  readonly pub: string;
  readonly pem: string;
}

export function newReleaseKey(): ReleaseKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    pub: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    pem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

export function signedBy(manifest: ReleaseManifest, keys: readonly ReleaseKey[]): SignedManifest {
  const text = JSON.stringify(manifest);
  const signatures = keys.map(({ pub, pem }) => ({
    key: keyId(pub),
    signature: sign(null, Buffer.from(text), createPrivateKey(pem)).toString("base64"),
  }));
  return { manifest: text, signatures };
}

export function manifestOf(change: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    product: "fettle-agent",
    version: "0.2.0",
    arch: "x64",
    size: 1,
    sha256: "a".repeat(64),
    minVersion: "0.1.0",
    wire: { oldest: 1, newest: 1 },
    ...change,
  };
}

export interface MadeRelease {
  readonly path: string;
  readonly manifest: ReleaseManifest;
}

/** What goes wrong with an archive, made before its sum is taken. */
export interface ReleaseFaults {
  /** Files by their path below the version's folder, in place of what would be there; null leaves one out. */
  readonly files?: Readonly<Record<string, string | null>>;
  readonly link?: { readonly path: string; readonly target: string };
}

/** An agent's release whose program is a script that says its version. */
export function makeRelease(folder: string, version: string, { files = {}, link }: ReleaseFaults = {}): MadeRelease {
  const work = join(folder, `work-${version}`);
  const all: Record<string, string | null> = {
    "bin/fettle-agent": `#!/bin/sh\necho "fettle-agent ${version}"\n`,
    "release.json": JSON.stringify({ product: "fettle-agent", version, arch: "x64", dev: false }),
    "units/fettle-agent.service": `# ${version}\n`,
    "units/fettle-agent-guard.service": "# guard\n",
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    const file = join(work, version, path);
    mkdirSync(dirname(file), { recursive: true });
    if (text !== null) writeFileSync(file, text);
  }
  if (all["bin/fettle-agent"] !== null) chmodSync(join(work, version, "bin/fettle-agent"), 0o755);
  if (link !== undefined) symlinkSync(link.target, join(work, version, link.path));
  const path = join(folder, releaseArchiveName({ product: "fettle-agent", version, arch: "x64" }));
  execFileSync("tar", ["-czf", path, "-C", work, version]);
  rmSync(work, { recursive: true });
  const content = readFileSync(path);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { path, manifest: manifestOf({ version, size: content.length, sha256 }) };
}
