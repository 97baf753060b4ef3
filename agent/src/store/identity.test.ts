import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import t from "tap";
import { realFiles as files } from "../system/real/files.ts";
import { openDesired } from "./desired.ts";
import { identityStore } from "./identity.ts";

/** Has the form of a certificate and is none. */
const NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const answer = {
  node: "ollama-1",
  stack: "duo",
  roles: ["ollama"],
  certificate: NO_CERTIFICATE,
  ca: NO_CERTIFICATE,
  coordinatorName: "coordinator.4f1c.fettle.internal",
  agentPort: 7444,
};

t.test("the key is made once, on disk before it is used, and only its owner can read it", async (t) => {
  const folder = t.testdir();
  const store = identityStore(files, folder);
  t.equal(await store.load(), null, "not enrolled");
  const first = await store.key();
  const path = join(folder, "identity/key.pem");
  t.equal((await stat(path)).mode & 0o777, 0o600);
  t.equal(await readFile(path, "utf8"), first.reveal());
  t.equal((await identityStore(files, folder).key()).reveal(), first.reveal(), "the same after a crash");
  t.notMatch(JSON.stringify({ first }), "PRIVATE");
});

t.test("an identity that others can read, or that is broken, is refused with its path", async (t) => {
  const folder = t.testdir();
  const store = identityStore(files, folder);
  await store.key();
  const key = join(folder, "identity/key.pem");
  const identity = join(folder, "identity/identity.json");
  await store.save(answer);
  t.equal((await stat(identity)).mode & 0o777, 0o600);
  await t.rejects(store.load(), { code: "identity.unreadable" }, "a certificate that is none");
  await writeFile(identity, "{");
  await t.rejects(store.load(), { code: "identity.unreadable", message: /identity\.json/ });
  await chmod(key, 0o644);
  await t.rejects(store.key(), { code: "identity.exposed", remedy: /chmod 600/ });
  await chmod(key, 0o600);
  await writeFile(key, "not a key");
  await t.rejects(store.key(), { code: "identity.unreadable" });
  await rm(key);
  await store.save(answer);
  await t.rejects(store.load(), { code: "identity.unreadable", message: /key\.pem/ });
  await mkdir(key);
  await t.rejects(store.key(), { code: "identity.unreadable" });
});

const desired: Desired = {
  epoch: 1,
  generation: 4,
  hash: "a".repeat(64),
  roles: { ollama: {} },
  gates: [],
  policy: { mode: "enforce", pauses: [], contention: null },
  retry: {},
  approvals: [],
};

t.test("desired state and fence survive a restart; a broken state is held as none, a broken fence stops", async (t) => {
  const folder = t.testdir();
  const store = await openDesired(files, folder);
  t.equal(store.current(), null);
  t.equal(store.fence(), null);
  await store.raiseFence({ epoch: 1, incarnation: "a" });
  await store.save(desired);
  const again = await openDesired(files, folder);
  t.strictSame(again.current(), desired);
  t.strictSame(again.fence(), { epoch: 1, incarnation: "a" });
  t.equal(again.problem, null);
  await writeFile(join(folder, "desired.json"), '{"epoch":1');
  const broken = await openDesired(files, folder);
  t.equal(broken.current(), null);
  t.equal(broken.problem?.code, "agent.desired-unreadable");
  t.strictSame(broken.fence(), { epoch: 1, incarnation: "a" });
  await writeFile(join(folder, "fence.json"), "");
  await t.rejects(openDesired(files, folder), { code: "agent.desired-unreadable", message: /fence\.json/ });
});
