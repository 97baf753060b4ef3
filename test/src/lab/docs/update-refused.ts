import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ReleaseManifest } from "@fettle/shared/release/manifest.ts";
import { makeReleaseKey } from "../../../../scripts/release/signing.ts";
import type { BareLab } from "../bare/bare-lab.ts";
import { writeFile } from "../host-files.ts";
import { manifestOf, sign } from "../update/lab-releases.ts";
import { runningVersion } from "../update/machine.ts";
import { Maker } from "./maker.ts";
import { updateByHand } from "./update-by-hand.ts";

type Signer = "maker" | "stranger";
type Refusal = { code: string; like?: Partial<ReleaseManifest>; signers?: Signer[]; newest?: string };

/** In the order of the page; each is what a manifest says of a good archive. */
const refusals: Refusal[] = [
  { code: "update.unsigned", signers: [] },
  { code: "update.untrusted", signers: ["stranger"] },
  { code: "update.downgrade", like: { version: "0.1.9" } },
  { code: "update.replayed", newest: "0.2.8" },
  { code: "update.wrong-arch", like: { arch: process.arch === "arm64" ? "x64" : "arm64" } },
  { code: "update.too-old", like: { minVersion: "0.2.6" } },
  { code: "update.wire", like: { wire: { oldest: 900, newest: 901 } } },
];

const newestFile = "/var/lib/fettle-agent/newest-version";

export async function refusedReleases(lab: BareLab): Promise<string> {
  const maker = new Maker(lab.config);
  const folder = join(maker.folder, "refused");
  mkdirSync(folder, { recursive: true });
  const stranger = join(maker.folder, "stranger/fettle-release.pem");
  makeReleaseKey(join(maker.folder, "stranger"));
  const keys = { maker: maker.key("one", "pem"), stranger };
  const good = maker.archive("fettle-agent", "0.2.3");
  const archive = join(folder, "fettle-agent-0.2.7-linux-any.tar.gz");
  copyFileSync(good, archive);
  const lines: string[] = [];
  for (const { code, like = {}, signers = ["maker"] as Signer[], newest = "0.2.3" } of refusals) {
    sign(
      archive,
      { ...manifestOf(good), version: "0.2.7", ...like },
      signers.map((name) => keys[name]),
    );
    await writeFile(lab.gateway, newestFile, `${newest}\n`, "0600");
    const { code: exit, stderr } = await updateByHand(lab.gateway, archive);
    assert.equal(exit, 1, code);
    assert.match(stderr, new RegExp(code.replace(".", "\\.")));
    lines.push(stderr.trim().split("\n").slice(0, 2).join(" "));
  }
  await writeFile(lab.gateway, newestFile, "0.2.3\n", "0600");
  assert.equal(await runningVersion(lab.gateway), "0.2.3");
  return lines.join("\n");
}
