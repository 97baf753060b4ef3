import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verified } from "@fettle/agent/update/signed.ts";
import { type ReleaseManifest, signedManifest } from "@fettle/shared/release/manifest.ts";
import t, { type Test } from "tap";
import { list } from "tar";
import { type Entry, writeArchive } from "../../../scripts/release/archive.ts";
import { stripped } from "../../../scripts/release/elf.ts";
import { NODE_VERSION, PTY } from "../../../scripts/release/pinned.ts";
import { makeReleaseKey, releaseKey, signed, signingKey } from "../../../scripts/release/signing.ts";

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), "fettle-release-test-"));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

t.test("an archive is the same to the byte, whatever the files' times, modes and order", async (t) => {
  const here = folder(t);
  const [one, two] = [join(here, "one"), join(here, "two")];
  writeFileSync(one, "x".repeat(1000), { mode: 0o600 });
  writeFileSync(two, "x".repeat(1000), { mode: 0o777 });
  const entries = (file: string): Entry[] => [
    { path: "1.0.0/lib/b.mjs", content: { file } },
    { path: "1.0.0/bin/node", content: Buffer.alloc(512, 1), executable: true },
    { path: "1.0.0/a", content: "" },
  ];
  const first = await writeArchive(join(here, "1.tar.gz"), entries(one));
  const second = await writeArchive(join(here, "2.tar.gz"), entries(two).reverse());
  t.same(first, second);
  t.ok(readFileSync(join(here, "1.tar.gz")).equals(readFileSync(join(here, "2.tar.gz"))));
  t.equal(first.size, statSync(join(here, "1.tar.gz")).size);
  const found: [string, string | undefined, number | undefined, number | undefined, number | undefined][] = [];
  await list({
    file: join(here, "1.tar.gz"),
    strict: true,
    onReadEntry: ({ path, type, mode, uid, size }) => found.push([path, type, mode, uid, size]),
  });
  t.same(found, [
    ["1.0.0/", "Directory", 0o755, 0, 0],
    ["1.0.0/a", "File", 0o644, 0, 0],
    ["1.0.0/bin/", "Directory", 0o755, 0, 0],
    ["1.0.0/bin/node", "File", 0o755, 0, 512],
    ["1.0.0/lib/", "Directory", 0o755, 0, 0],
    ["1.0.0/lib/b.mjs", "File", 0o644, 0, 1000],
  ]);
});

t.test("what no plain header holds, or comes twice, is no archive", async (t) => {
  const path = join(folder(t), "x.tar.gz");
  const long: Entry = { path: `${"a".repeat(120)}/${"b".repeat(120)}`, content: "" };
  await t.rejects(writeArchive(path, [long]), /does not fit/);
  const twice: Entry = { path: "a", content: "" };
  await t.rejects(writeArchive(path, [twice, twice]), /twice/);
});

/** An ELF file with one segment of 100 bytes after its header, then what strip takes off. */
function elf(): Buffer {
  const file = Buffer.alloc(64 + 56 + 100 + 300, 7);
  file.fill(0, 0, 64 + 56);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(300n, 40);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt16LE(3, 60);
  file.writeUInt16LE(2, 62);
  file.writeBigUInt64LE(120n, 64 + 8);
  file.writeBigUInt64LE(100n, 64 + 32);
  return file;
}

t.test("strip takes what is behind the last segment, and names no sections any more", async (t) => {
  const before = elf();
  const after = stripped(before);
  t.equal(after.length, 220);
  t.ok(after.subarray(64).equals(before.subarray(64, 220)), "the segments are as they were");
  t.same([after.readBigUInt64LE(40), after.readUInt16LE(60), after.readUInt16LE(62)], [0n, 0, 0]);
  t.ok(stripped(after).equals(after), "again changes nothing");
  t.throws(() => stripped(Buffer.from("#!/bin/sh\n")), /ELF/);
  t.throws(() => stripped(before.subarray(0, 200)), /cut off/);
});

const MANIFEST: ReleaseManifest = {
  product: "fettle-agent",
  version: "1.2.3",
  arch: "x64",
  size: 5,
  sha256: "a".repeat(64),
  minVersion: "0.1.0",
  wire: { oldest: 1, newest: 1 },
};

t.test("a pair of keys signs what the agent takes", async (t) => {
  const here = folder(t);
  const { secret, open } = makeReleaseKey(here);
  t.equal(statSync(secret).mode & 0o777, 0o600);
  t.throws(() => makeReleaseKey(here), /there already/);
  const [pem, key] = [readFileSync(secret, "utf8"), releaseKey(readFileSync(open, "utf8"))];
  const made = signedManifest.parse(signed(MANIFEST, [signingKey(pem)]));
  t.same(verified(made, [key]), MANIFEST);
  t.throws(() => verified({ ...made, manifest: made.manifest.replace("1.2.3", "1.2.4") }, [key]), {
    code: "update.untrusted",
  });
  t.throws(() => verified(signed(MANIFEST, []), [key]), { code: "update.unsigned" });
  t.throws(() => releaseKey(pem), /private/);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  t.throws(() => signingKey(rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()), /not ed25519/);
  t.equal(createPublicKey(readFileSync(open)).asymmetricKeyType, "ed25519");
});

t.test("node-pty's native halves are those of the lock file", async (t) => {
  const lock = readFileSync(join(import.meta.dirname, "../../../pnpm-lock.yaml"), "utf8");
  for (const { name, version, integrity } of Object.values(PTY))
    t.ok(lock.includes(`'${name}@${version}':\n    resolution: {integrity: ${integrity}}`), name);
});

t.test("the Node of the releases is the one of the toolchain", async (t) => {
  const bootstrap = readFileSync(join(import.meta.dirname, "../../../scripts/bootstrap.cjs"), "utf8");
  t.match(bootstrap, `var NODE = "${NODE_VERSION}";`);
});
