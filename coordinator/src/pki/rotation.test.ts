import { createPublicKey, X509Certificate } from "node:crypto";
import { cp, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyHash, pemsOf, rootOf } from "@fettle/shared/lib/certificates.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t, { type Test } from "tap";
import { systemClock } from "../clock.ts";
import { openStore } from "../store/store.ts";
import { type Authorities, dropOld, loadAuthorities, prepareNext, switchOver } from "./authorities.ts";
import { type Authority, chainOf, createAuthority } from "./authority.ts";
import { agentCertificate } from "./certificates.ts";
import { newKey } from "./keys.ts";
import { Pki } from "./pki.ts";
import { type Member, Rotation, rotationState } from "./rotation.ts";

const ID = "c0ffee";

async function folderOf(test: Test): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "fettle-rotation-"));
  test.teardown(() => rm(root, { recursive: true, force: true }));
  await createAuthority(join(root, "pki"), ID, systemClock);
  return join(root, "pki");
}

const hashes = ({ active, next, old }: Authorities) =>
  [active, next, old].map((authority) => authority?.rootHash.slice(0, 8) ?? null);

t.test("a leaf hangs on the root by the issuing CA, with the root's key off the machine too", async (t) => {
  const folder = await folderOf(t);
  await rm(join(folder, "ca.key"));
  const { active } = await loadAuthorities(folder);
  const validity = { notBefore: Date.now() - 1000, notAfter: Date.now() + 60_000 };
  const leaf = await agentCertificate(active, createPublicKey(newKey()), "node", validity);
  const chain = chainOf(leaf, active);
  t.equal(pemsOf(chain).length, 2);
  t.equal(keyHash(must(rootOf(chain, active.root), "root").publicKey, "hex"), active.rootHash);
  t.equal(rootOf(leaf, active.root), null, "the leaf alone does not reach it");
  const other = await folderOf(t);
  t.equal(rootOf(chain, (await loadAuthorities(other)).active.root), null, "another root is not its");
  t.equal(new X509Certificate(active.root).subject, `CN=Fettle CA ${ID}`);
});

t.test("prepare, switch, drop; each again changes nothing", async (t) => {
  const folder = await folderOf(t);
  const [first] = hashes(await loadAuthorities(folder));
  const prepared = hashes(await prepareNext(folder, ID, systemClock));
  const second = prepared[1];
  t.same(prepared, [first, second, null]);
  t.same(hashes(await prepareNext(folder, ID, systemClock)), prepared);
  const switched = hashes(await switchOver(folder));
  t.same(switched, [second, null, first]);
  t.same(hashes(await switchOver(folder)), switched, "nothing is prepared, nothing is switched");
  t.same(hashes(await prepareNext(folder, ID, systemClock)), switched, "no third one while the old one is there");
  t.same(hashes(await dropOld(folder)), [second, null, null]);
  t.same(hashes(await dropOld(folder)), [second, null, null]);
  t.same((await readdir(folder)).sort(), ["ca.key", "ca.pem", "issuer.key", "issuer.pem"], "nothing is left over");
});

t.test("a switch that was cut off anywhere is finished, and never a mixture", async (t) => {
  const folder = await folderOf(t);
  const before = await prepareNext(folder, ID, systemClock);
  const files = ["ca.pem", "ca.key", "issuer.pem", "issuer.key"];
  for (let moved = 0; moved <= files.length; moved += 1) {
    const copy = `${folder}-${moved}`;
    await cp(folder, copy, { recursive: true });
    await cp(folder, join(copy, "old"), { recursive: true, filter: (path) => !path.includes("/next") });
    for (const file of files.slice(0, moved)) await cp(join(copy, "next", file), join(copy, file));
    const after = await loadAuthorities(copy);
    t.same(hashes(after), [hashes(before)[1], null, hashes(before)[0]], `after ${moved} files`);
  }
  const early = `${folder}-early`;
  await cp(folder, early, { recursive: true });
  await cp(folder, join(early, ".00000000-0000-0000-0000-000000000000"), {
    recursive: true,
    filter: (path) => !path.includes("/next"),
  });
  t.same(hashes(await loadAuthorities(early)), hashes(before), "before the old one is set aside, nothing has begun");
});

t.test("a folder of another root's issuer is refused", async (t) => {
  const [folder, other] = [await folderOf(t), await folderOf(t)];
  await rename(join(other, "ca.pem"), join(folder, "ca.pem"));
  await t.rejects(
    loadAuthorities(folder),
    new FettleError("coordinator.bad-pki", {
      path: join(folder, "issuer.pem"),
      problem: "it is another root's",
    }),
  );
});

const authority = (rootHash: string) => ({ rootHash }) as Authority;
const [A, B] = [authority("a".repeat(64)), authority("b".repeat(64))];
const member = (node: string, trusts: Authority[], under?: Authority): Member => ({
  node,
  said: { trusts: trusts.map(({ rootHash }) => rootHash), ...(under && { issuedUnder: under.rootHash }) },
});
const silent: Member = { node: "silent", said: null };

const states: Array<[name: string, Authorities, Member[], string[], string | null]> = [
  ["none", { active: A, next: null, old: null }, [silent], [], null],
  ["told by all", { active: A, next: B, old: null }, [member("x", [A, B])], [], "distributing: "],
  [
    "one does not have it",
    { active: A, next: B, old: null },
    [member("x", [A, B]), member("y", [A])],
    [],
    "distributing: y",
  ],
  ["one said nothing", { active: A, next: B, old: null }, [silent], [], "distributing: silent"],
  ["nobody waits for it", { active: A, next: B, old: null }, [silent], ["silent"], "distributing: "],
  [
    "one shows the old one's",
    { active: B, next: null, old: A },
    [member("x", [A, B], A), member("y", [A, B], B)],
    [],
    "renewing: x",
  ],
  ["one cannot say whose", { active: B, next: null, old: A }, [member("x", [A, B])], [], "renewing: x"],
  ["all renewed", { active: B, next: null, old: A }, [member("x", [A, B], B)], [], "renewing: "],
];

for (const [name, authorities, members, without, expected] of states)
  t.test(`where it stands: ${name}`, async (t) => {
    const state = rotationState(authorities, members, without);
    t.equal(state === null ? null : `${state.phase}: ${state.lacking.join(" ")}`, expected);
  });

t.test("step by step as the agents follow; the server's key and its pin stay", async (t) => {
  const folder = await folderOf(t);
  const store = await openStore(join(folder, "../fettle.db"));
  t.teardown(() => store.close());
  const parts = { folder, store, clock: systemClock, coordinatorId: ID, names: [], agentPort: () => 7444 };
  const open = () => Pki.open({ ...parts, onRenewalFailed: (error) => t.fail(String(error)) });
  const pki = await open();
  const [pin, first] = [pki.serverPin, pki.authorities.active];
  let members: Member[] = [member("x", [first], first), silent];
  const steps: string[] = [];
  let shown = 0;
  pki.onRenewed(() => (shown += 1));
  const rotation = new Rotation({
    ...{ folder, pki, clock: systemClock, members: async () => members },
    onStep: (text) => steps.push(text),
    onFailed: (error) => t.fail(String(error)),
  });
  await rotation.start([]);
  const next = must(pki.authorities.next, "the next one");
  t.same(pki.roots, [first.root, next.root]);
  await rotation.advance();
  t.same((await rotation.state())?.lacking, ["x", "silent"]);
  members = [member("x", [first, next], first), silent];
  await rotation.advance();
  t.same((await rotation.state())?.lacking, ["silent"], "an offline node holds it up and is named");
  await rotation.start(["silent"]);
  t.equal((await rotation.state())?.phase, "renewing", "said again, it goes on without it");
  t.equal(pki.ca, next.root);
  t.same([pki.isGoing(first.rootHash), pki.isGoing(next.rootHash)], [true, false]);
  t.ok(rootOf(pki.server().certificate, next.root), "the server's certificate is the new one's");
  t.ok(shown >= 2, "the listeners were told");
  const again = await open();
  t.same(again.roots, pki.roots, "a restart in between loses nothing");
  t.same(await rotation.without(), ["silent"]);
  members = [member("x", [first, next], next), silent];
  await rotation.advance();
  t.equal(await rotation.state(), null);
  t.same(pki.roots, [next.root]);
  t.equal(pki.serverPin, pin, "what was pasted still pins the right key");
  t.equal(steps.length, 3);
});
