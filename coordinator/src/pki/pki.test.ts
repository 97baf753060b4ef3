import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EnrolRequest, enrolProof, enrolToken } from "@fettle/shared/api/enrol.ts";
import { rootOf } from "@fettle/shared/lib/certificates.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t, { type Test } from "tap";
import { openStore, type Store } from "../store/store.ts";
import { createAuthority, DAY_MS } from "./authority.ts";
import { newKey } from "./keys.ts";
import { Pki } from "./pki.ts";

const START = Date.parse("2026-03-01T12:00:00Z");

class HandClock {
  at = START;
  now(): number {
    return this.at;
  }
  mono(): number {
    return this.at;
  }
  random(): number {
    return 0.5;
  }
  async sleep(): Promise<void> {}
}

interface World {
  readonly pki: Pki;
  readonly store: Store;
  readonly clock: HandClock;
  readonly folder: string;
  open(): Promise<Pki>;
}

async function world(test: Test): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "fettle-pki-"));
  const folder = join(root, "pki");
  const clock = new HandClock();
  await createAuthority(folder, "c0ffee", clock);
  const store = await openStore(join(root, "fettle.db"));
  const parts = {
    folder,
    store,
    clock,
    coordinatorId: "c0ffee",
    names: ["127.9.9.9", "hq.example"],
    agentPort: () => 7444,
  };
  const open = (): Promise<Pki> => Pki.open({ ...parts, onRenewalFailed: (error) => test.fail(String(error)) });
  test.teardown(async () => {
    await store.close();
    await rm(root, { recursive: true, force: true });
  });
  return { pki: await open(), store, clock, folder, open };
}

/** A request as an honest agent makes it; `change` makes it dishonest. */
function requestOf(token: string, key = newKey(), change: Partial<EnrolRequest> = {}): EnrolRequest {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
  const id = must(token.split(".")[2], "id");
  const proof = sign("sha256", Buffer.from(enrolProof(id, publicKey)), createPrivateKey(key)).toString("base64");
  return { token, publicKey, proof, machineId: "m1", version: "0.1.0", ...change };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "none",
    (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
  );
}

const OLLAMA = { stack: "duo", node: "ollama-1", roles: ["ollama"], by: "test" };

t.test("an honest agent gets a certificate of its own", async (t) => {
  const { pki, store } = await world(t);
  const minted = await pki.mint(OLLAMA);
  const token = minted.token.reveal();
  t.ok(enrolToken.safeParse(token).success);
  t.equal(String(minted.token), "[redacted]");
  const key = newKey();
  const { answer, fresh } = await pki.enrol(requestOf(token, key), "127.0.0.1");
  t.ok(fresh);
  t.match(answer, { node: "ollama-1", stack: "duo", roles: ["ollama"], agentPort: 7444 });
  t.equal(answer.coordinatorName, "coordinator.c0ffee.fettle.internal");
  const certificate = new X509Certificate(answer.certificate);
  t.ok(rootOf(answer.certificate, answer.ca), "it hangs on the root by the issuing CA that comes with it");
  t.ok(certificate.checkPrivateKey(createPrivateKey(key)));
  t.same(certificate.keyUsage, ["1.3.6.1.5.5.7.3.2"], "clientAuth alone");
  t.notOk(certificate.ca);
  t.equal(certificate.validToDate.getTime(), START + 90 * DAY_MS);
  const identity = await store.identities.get(certificate.fingerprint256.replaceAll(":", "").toLowerCase());
  t.equal(certificate.subject, `CN=${identity?.nodeId}`);
  t.match(await store.nodes.get("ollama-1"), { nodeId: identity?.nodeId, roles: '["ollama"]', registeredAt: START });
  const database = JSON.stringify(await store.enrolmentTokens.get(minted.id));
  t.notOk(database.includes(must(token.split(".")[3], "secret")), "the secret is not stored");
});

t.test("the same token and key within its life get the same answer, even at the same time", async (t) => {
  const { pki, clock } = await world(t);
  const token = (await pki.mint(OLLAMA)).token.reveal();
  const request = requestOf(token);
  const together = await Promise.all([1, 2, 3].map(() => pki.enrol(request, "127.0.0.1")));
  clock.at += 59 * 60_000;
  const later = await pki.enrol(request, "127.0.0.1");
  t.equal(new Set([...together, later].map(({ answer }) => answer.certificate)).size, 1);
  t.equal(together.filter(({ fresh }) => fresh).length, 1);
});

interface Refusal {
  readonly name: string;
  readonly code: string;
  readonly make: (world: World, token: string) => Promise<EnrolRequest> | EnrolRequest;
}

const flip = (token: string, part: number): string =>
  token
    .split(".")
    .map((text, at) => (at === part ? text.replace(/.$/, (last) => (last === "a" ? "b" : "a")) : text))
    .join(".");

const REFUSALS: readonly Refusal[] = [
  { name: "another CA's token", code: "identity.token-other-ca", make: (_, token) => requestOf(flip(token, 1)) },
  { name: "an id nobody knows", code: "identity.token-unknown", make: (_, token) => requestOf(flip(token, 2)) },
  {
    name: "a wrong secret",
    code: "identity.token-unknown",
    make: (_, token) => requestOf(token.slice(0, -43) + "A".repeat(43)),
  },
  {
    name: "a token after its hour",
    code: "identity.token-expired",
    make: ({ clock }, token) => {
      clock.at += 60 * 60_000;
      return requestOf(token);
    },
  },
  {
    name: "a used token and the same key after its hour",
    code: "identity.token-expired",
    make: async ({ pki, clock }, token) => {
      const request = requestOf(token);
      await pki.enrol(request, "127.0.0.1");
      clock.at += 60 * 60_000;
      return request;
    },
  },
  {
    name: "a used token and another key",
    code: "identity.token-used",
    make: async ({ pki }, token) => {
      await pki.enrol(requestOf(token), "127.0.0.1");
      return requestOf(token);
    },
  },
  {
    name: "a proof by another key",
    code: "identity.proof-wrong",
    make: (_, token) => requestOf(token, newKey(), { proof: requestOf(token).proof }),
  },
  {
    name: "a proof for another token",
    code: "identity.proof-wrong",
    make: (_, token) => {
      const key = newKey();
      return requestOf(token, key, { proof: requestOf(flip(token, 2), key).proof });
    },
  },
  {
    name: "a proof that is no signature",
    code: "identity.proof-wrong",
    make: (_, token) => requestOf(token, newKey(), { proof: "x" }),
  },
  {
    name: "text for a key",
    code: "identity.bad-key",
    make: (_, token) => requestOf(token, newKey(), { publicKey: "PUBLIC KEY" }),
  },
  {
    name: "a private key for a key",
    code: "identity.bad-key",
    make: (_, token) => requestOf(token, newKey(), { publicKey: newKey() }),
  },
  {
    name: "a key of another kind",
    code: "identity.bad-key",
    make: (_, token) => {
      const { publicKey } = generateKeyPairSync("ed25519");
      return requestOf(token, newKey(), { publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() });
    },
  },
  {
    name: "a second token of a node that was enrolled meanwhile",
    code: "identity.token-unknown",
    make: async ({ pki }, token) => {
      const other = await pki.mint(OLLAMA);
      await pki.enrol(requestOf(other.token.reveal()), "127.0.0.1");
      return requestOf(token);
    },
  },
  {
    name: "a token of a node that another stack has taken meanwhile",
    code: "identity.node-taken",
    make: async ({ store }, token) => {
      await store.nodes.declare({ node: "ollama-1", stack: "other", address: "127.0.0.1", roles: "[]" });
      return requestOf(token);
    },
  },
  {
    name: "a token that was cancelled",
    code: "identity.token-unknown",
    make: async ({ pki }, token) => {
      await pki.revoke("ollama-1");
      return requestOf(token);
    },
  },
];

for (const { name, code, make } of REFUSALS) {
  t.test(`refused: ${name}`, async (t) => {
    const here = await world(t);
    const { token, id } = await here.pki.mint(OLLAMA);
    const request = await make(here, token.reveal());
    const before = [await here.store.enrolmentTokens.get(id), await here.store.nodes.all()];
    t.equal(await codeOf(here.pki.enrol(request, "127.0.0.1")), code);
    t.same([await here.store.enrolmentTokens.get(id), await here.store.nodes.all()], before, "nothing changed");
  });
}

t.test("no token for a node that is enrolled, or another stack's; after removal again", async (t) => {
  const { pki, store, clock } = await world(t);
  await pki.enrol(requestOf((await pki.mint(OLLAMA)).token.reveal()), "127.0.0.1");
  t.equal(await codeOf(pki.mint(OLLAMA)), "identity.node-exists");
  t.equal(await codeOf(pki.mint({ ...OLLAMA, stack: "other" })), "identity.node-taken");
  await pki.revoke("ollama-1");
  await store.nodes.remove("ollama-1");
  t.equal((await store.identities.live("ollama-1", clock.now())).length, 0);
  t.ok((await pki.enrol(requestOf((await pki.mint(OLLAMA)).token.reveal()), "127.0.0.1")).fresh);
});

t.test("a flood from one address is slowed, others are not", async (t) => {
  const { pki, clock } = await world(t);
  const request = requestOf((await pki.mint(OLLAMA)).token.reveal(), newKey(), { proof: "x" });
  const codes: string[] = [];
  for (let count = 0; count < 25; count += 1) codes.push(await codeOf(pki.enrol(request, "10.0.0.1")));
  t.equal(codes.filter((code) => code === "identity.rate-limited").length, 5);
  t.equal(await codeOf(pki.enrol(request, "10.0.0.2")), "identity.proof-wrong");
  clock.at += 3000;
  t.equal(await codeOf(pki.enrol(request, "10.0.0.1")), "identity.proof-wrong");
});

t.test("the server's certificate is renewed in time and keeps its key", async (t) => {
  const { pki, clock, open, folder } = await world(t);
  const first = new X509Certificate(pki.server().certificate);
  t.same(first.keyUsage, ["1.3.6.1.5.5.7.3.1"], "serverAuth alone");
  for (const name of ["coordinator.c0ffee.fettle.internal", "localhost", "hq.example"])
    t.ok(first.checkHost(name), name);
  for (const ip of ["127.0.0.1", "127.9.9.9"]) t.ok(first.checkIP(ip), ip);
  t.equal((await open()).server().certificate, pki.server().certificate, "kept over a restart");
  let told = 0;
  pki.onRenewed(() => {
    told += 1;
  });
  clock.at += 29 * DAY_MS;
  await pki.renew();
  t.equal(told, 0);
  clock.at += 2 * DAY_MS;
  await pki.renew();
  t.equal(told, 1);
  const second = new X509Certificate(pki.server().certificate);
  t.equal(second.validToDate.getTime(), clock.at + 90 * DAY_MS);
  t.same(
    second.publicKey.export({ type: "spki", format: "pem" }),
    first.publicKey.export({ type: "spki", format: "pem" }),
  );
  t.equal((await stat(join(folder, "server.key"))).mode & 0o777, 0o600);
});

t.test("a CA that others can read, or that lost its key, stops the start", async (t) => {
  const { open, folder } = await world(t);
  t.equal((await stat(join(folder, "ca.key"))).mode & 0o777, 0o600);
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  t.ok(new X509Certificate(await readFile(join(folder, "ca.pem"))).ca);
  await chmod(join(folder, "ca.key"), 0o644);
  t.equal(await codeOf(open()), "coordinator.exposed");
  await rm(join(folder, "ca.key"));
  t.equal(await codeOf(open()), "none", "the root's key may be elsewhere");
  await rm(join(folder, "issuer.key"));
  t.equal(await codeOf(open()), "coordinator.bad-pki");
});

t.test("a token belongs to the first machine that uses it, and can be bound to an instance before", async (t) => {
  const { pki, clock } = await world(t);
  const message = async (work: Promise<unknown>): Promise<string> =>
    await work.then(
      () => "none",
      (error: unknown) => (error instanceof FettleError ? `${error.code}: ${error.message}` : String(error)),
    );
  const inCloud = (token: string, instanceId: string, key = newKey()) => requestOf(token, key, { instanceId });

  const first = (await pki.mint({ ...OLLAMA, lifeMs: DAY_MS })).token.reveal();
  const key = newKey();
  clock.at += DAY_MS - 1;
  t.equal((await pki.enrol(inCloud(first, "i-0aaa", key), "10.0.0.1")).fresh, true, "the day is not over");
  t.equal((await pki.enrol(inCloud(first, "i-0aaa", key), "10.0.0.1")).fresh, false, "its answer may have been lost");
  t.match(
    await message(pki.enrol(inCloud(first, "i-0bbb"), "10.0.0.2")),
    "identity.token-used: The enrolment token for ollama-1 was used already, by instance i-0aaa.",
  );
  t.match(
    await message(pki.enrol(inCloud(first, "i-0bbb", key), "10.0.0.2")),
    /token-used.*instance i-0aaa/,
    "a copy of the disk has the key too",
  );
  t.match(
    await message(pki.enrol(requestOf(first, key), "10.0.0.2")),
    /token-used.*instance i-0aaa/,
    "or says nothing",
  );

  const gateway = { ...OLLAMA, node: "gateway-1", roles: ["gateway"] };
  const bound = (await pki.mint({ ...gateway, instanceId: "i-0ccc" })).token.reveal();
  t.match(
    await message(pki.enrol(inCloud(bound, "i-0ddd"), "10.0.0.2")),
    "identity.token-other-instance: The enrolment token for gateway-1 is for the instance i-0ccc; instance i-0ddd came with it.",
  );
  t.match(await message(pki.enrol(requestOf(bound), "10.0.0.2")), /token-other-instance.*machine m1 came/);
  t.equal(
    (await pki.enrol(inCloud(bound, "i-0ccc"), "10.0.0.3")).answer.node,
    "gateway-1",
    "still good where it belongs",
  );

  const metal = (await pki.mint({ ...OLLAMA, node: "metal-1" })).token.reveal();
  await pki.enrol(requestOf(metal), "10.0.0.4");
  t.match(await message(pki.enrol(requestOf(metal, newKey(), { machineId: "m2" }), "10.0.0.4")), /by machine m1\./);
});

t.test("the issuing CA is renewed by the root while its key is here, and keeps its own", async (t) => {
  const { pki, clock, folder } = await world(t);
  const before = pki.authorities.active;
  clock.at += 1500 * DAY_MS;
  await rename(join(folder, "ca.key"), join(folder, "../away"));
  await pki.renew();
  t.equal(pki.authorities.active.certificate, before.certificate, "without the root's key it stays");
  await rename(join(folder, "../away"), join(folder, "ca.key"));
  await pki.renew();
  const { active } = pki.authorities;
  t.ok(active.notAfter > before.notAfter);
  t.equal(active.key, before.key);
  t.equal(active.pin, before.pin);
  t.ok(rootOf(pki.server().certificate, active.root));
});

t.test("the pin is that of the server's key and stays when the certificate is renewed", async (t) => {
  const { pki, clock } = await world(t);
  const before = pki.server().certificate;
  const pin = pki.serverPin;
  t.match(pin, /^sha256\/\/[A-Za-z0-9+/]{43}=$/);
  clock.at += 40 * DAY_MS;
  await pki.renew();
  t.not(pki.server().certificate, before);
  t.equal(pki.serverPin, pin);
});
