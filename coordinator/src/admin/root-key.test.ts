import { createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import t, { type Test } from "tap";
import { systemClock } from "../clock.ts";
import { prepareNext } from "../pki/authorities.ts";
import { createAuthority, loadAuthority } from "../pki/authority.ts";
import { newKey } from "../pki/keys.ts";
import { exportRootKey, importRootKey } from "./root-key.ts";

async function machine(test: Test) {
  const data = await mkdtemp(join(tmpdir(), "fettle-root-"));
  test.teardown(() => rm(data, { recursive: true, force: true }));
  await createAuthority(join(data, "pki"), "c0ffee", systemClock);
  return { paths: { data, config: data, run: data }, key: join(data, "pki/ca.key"), medium: join(data, "medium.pem") };
}

const code = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
  );

t.test("off the machine and back", async (t) => {
  const { paths, key, medium } = await machine(t);
  const text = await readFile(key, "utf8");
  await exportRootKey(paths, medium, null);
  t.equal(await readFile(medium, "utf8"), text);
  t.equal((await stat(medium)).mode & 0o777, 0o600);
  t.equal(await code(stat(key)), `Error: ENOENT: no such file or directory, stat '${key}'`);
  t.ok(await loadAuthority(join(paths.data, "pki")), "the coordinator opens without it");
  t.equal(await code(exportRootKey(paths, `${medium}2`, null)), "coordinator.root-away");
  await importRootKey(paths, medium, null);
  t.equal(await readFile(key, "utf8"), text);
});

t.test("what cannot be moved stays where it is", async (t) => {
  const { paths, key, medium } = await machine(t);
  await writeFile(medium, "mine");
  t.equal(await code(exportRootKey(paths, medium, null)), "coordinator.root-not-moved");
  t.equal(await readFile(medium, "utf8"), "mine");
  t.equal(await code(exportRootKey(paths, "/nowhere/root.pem", null)), "coordinator.root-not-moved");
  t.equal(await code(importRootKey(paths, medium, null)), "coordinator.root-not-moved");
  await writeFile(medium, newKey());
  t.equal(await code(importRootKey(paths, medium, null)), "coordinator.root-not-moved", "another root's key");
  await prepareNext(join(paths.data, "pki"), "c0ffee", systemClock);
  t.equal(await code(exportRootKey(paths, `${medium}2`, null)), "coordinator.rotating");
  t.match(await readFile(key, "utf8"), /PRIVATE KEY/);
});

t.test("with a passphrase it is worth nothing to who finds the file", async (t) => {
  const { paths, key, medium } = await machine(t);
  const text = await readFile(key, "utf8");
  await exportRootKey(paths, medium, new Secret("correct horse"));
  const written = await readFile(medium, "utf8");
  t.match(written, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  t.throws(() => createPrivateKey({ key: written, passphrase: "battery staple" }));
  for (const wrong of [null, new Secret("battery staple")])
    t.equal(await code(importRootKey(paths, medium, wrong)), "coordinator.root-not-moved");
  t.match(await code(stat(key)), /ENOENT/, "nothing was brought");
  await importRootKey(paths, medium, new Secret("correct horse"));
  t.equal(await readFile(key, "utf8"), text);
});
