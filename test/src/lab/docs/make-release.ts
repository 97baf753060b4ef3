import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { blockThat } from "../bare/page.ts";
import type { Releases } from "../bare/releases.ts";
import type { LabConfig } from "../config.ts";
import { Maker } from "./maker.ts";

const page = "update.md";

/** Two pairs on two machines, and both public keys copied to where releases are built. */
export async function makeKeys(maker: Maker): Promise<string> {
  const block = blockThat(page, "## Once: two release keys", "npm run build -- keygen");
  for (const machine of ["one", "two"] as const) {
    const said = await maker.run(block, machine);
    assert.equal(statSync(maker.key(machine, "pem")).mode & 0o777, 0o600);
    // What the page says of the file is what goes into agent.yaml.
    assert.ok(said.includes(publicKey(maker, machine)), said);
    await assert.rejects(maker.run(block, machine), /is there already/);
  }
  maker.gatherKeys();
  return "fettle-release.pem and fettle-release.pub, twice";
}

/** The key without the first and last line of its file. */
export function publicKey(maker: Maker, machine: "one" | "two"): string {
  return readFileSync(maker.key(machine, "pub"), "utf8").trim().split("\n").slice(1, -1).join("");
}

/** A build that was given no keys; nothing of an earlier run is left beside it. */
export async function makeDevBuild(config: LabConfig): Promise<Releases> {
  const maker = new Maker(config);
  maker.clear();
  const { said, releases } = await maker.build("npm run build -- --version 0.1.0", "0.1.0");
  assert.match(said, /unsigned/);
  assert.match(said, /a dev build/);
  return releases;
}

type Making = { signedBy?: "one" | "two"; more?: string };

/** The page's block; the version and whose key signs it are replaced. */
export async function makeRelease(maker: Maker, version: string, making: Making = {}): Promise<Releases> {
  const { signedBy = "one", more = "" } = making;
  const block = blockThat(page, "## Make a release", "npm run build -- --version")
    .replace("0.2.0", version)
    .replace("~/fettle-keys/fettle-release.pem", maker.key(signedBy, "pem"));
  const { said, releases } = await maker.build(block, version, more);
  assert.match(said, /signed by 1 key/);
  assert.match(said, /takes updates signed by one of 2 release keys/);
  assert.ok(existsSync(`${maker.archive("fettle-agent", version)}.manifest`));
  return releases;
}
