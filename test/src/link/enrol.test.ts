import { createPublicKey, verify } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { enrol } from "@fettle/agent/link/enrol.ts";
import type { Address } from "@fettle/agent/link/parts.ts";
import { forgetDesired } from "@fettle/agent/store/desired.ts";
import { identityStore } from "@fettle/agent/store/identity.ts";
import { realFiles } from "@fettle/agent/system/real/files.ts";
import { agentCertificate } from "@fettle/coordinator/pki/certificates.ts";
import { newKey, publicOf } from "@fettle/coordinator/pki/keys.ts";
import { enrolProof } from "@fettle/shared/api/enrol.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import t, { type Test } from "tap";
import { agentCert, COORDINATOR, newCa, newServer, type TestCa } from "./certificates.ts";
import { FakeEnrolment, type Reply } from "./fake-enrolment.ts";

const ca = await newCa();
const otherCa = await newCa();
const SECRET = "canary-secret-of-an-enrolment-token-0001";
const tokenFor = (authority: TestCa) => new Secret(`fettle1.${authority.pin}.abcdef0123.${SECRET}`);
const caReply: Reply = { status: 200, body: { ca: ca.certificate, coordinatorName: COORDINATOR } };
const day = () => ({ notBefore: Date.now() - 1000, notAfter: Date.now() + 86_400_000 });

async function answerTo({ publicKey = "" }: Record<string, string>): Promise<Reply> {
  const certificate = await agentCertificate(ca, createPublicKey(publicKey), "node-id", day());
  const body = { node: "ollama-1", stack: "duo", roles: ["ollama"], certificate, ca: ca.certificate };
  return { status: 200, body: { ...body, coordinatorName: COORDINATOR, agentPort: 7444 } };
}

async function coordinator(t: Test, tls = newServer(ca)): Promise<{ fake: FakeEnrolment; address: Address }> {
  const fake = new FakeEnrolment(await tls, caReply, answerTo);
  t.teardown(() => fake.close());
  return { fake, address: await fake.listen() };
}

function machine(t: Test) {
  const folder = t.testdir();
  const identity = identityStore(realFiles, folder);
  const run = (coordinators: readonly Address[], token = tokenFor(ca), machineId = "m") =>
    enrol({ coordinators, identity, token, machineId, version: "0.1.0" });
  return { folder, identity, run };
}

t.test("a token becomes an identity on disk, and the secret goes out only once the CA is known", async (t) => {
  const { fake, address } = await coordinator(t);
  const { folder, identity, run } = machine(t);
  t.equal((await run([address])).node, "ollama-1");
  t.match(fake.received, [
    { path: "/v1/ca", body: "" },
    { path: "/v1/enrol", body: new RegExp(SECRET) },
  ]);
  const { publicKey, proof, machineId } = JSON.parse(fake.received[1]?.body ?? "");
  const said = Buffer.from(enrolProof("abcdef0123", publicKey));
  t.ok(verify("sha256", said, publicKey, Buffer.from(proof, "base64")), "the key is proved");
  t.equal(machineId, "m");
  const loaded = await identity.load();
  t.match(loaded, { node: "ollama-1", stack: "duo", coordinatorName: COORDINATOR });
  t.ok((loaded?.expiresAt ?? 0) > Date.now());
  t.equal((await stat(join(folder, "identity/identity.json"))).mode & 0o777, 0o600);
  t.notMatch(await readFile(join(folder, "identity/identity.json"), "utf8"), SECRET);
});

t.test("the key is on disk before it is sent, so a second try brings the same key", async (t) => {
  const { fake, address } = await coordinator(t);
  const { folder, identity, run } = machine(t);
  let onDisk = "";
  fake.enrol = async () => {
    onDisk = await readFile(join(folder, "identity/key.pem"), "utf8");
    return { status: 200, body: "cut off in the mid" };
  };
  await t.rejects(run([address]), { code: "identity.bad-answer" });
  t.match(onDisk, "PRIVATE KEY");
  t.equal(await identity.load(), null);
  fake.enrol = answerTo;
  await run([address]);
  const keys = fake.received.filter(({ path }) => path === "/v1/enrol").map(({ body }) => JSON.parse(body).publicKey);
  t.equal(keys[0], keys[1]);
  t.ok(await identity.load());
});

t.test("who answers in the coordinator's place gets nothing secret", async (t) => {
  const impostor = await newServer(otherCa);
  const agentKey = newKey();
  const asServer = { cert: await agentCert(ca, agentKey), key: agentKey };
  const cases: readonly [string, Promise<{ cert: string; key: string }>, Reply, string][] = [
    [
      "its own CA",
      Promise.resolve(impostor),
      { status: 200, body: { ca: otherCa.certificate, coordinatorName: COORDINATOR } },
      "identity.ca-mismatch",
    ],
    ["our CA without its key", Promise.resolve(impostor), caReply, "identity.ca-mismatch"],
    ["an agent's certificate", Promise.resolve(asServer), caReply, "identity.ca-mismatch"],
    ["another name of our CA", newServer(ca, "coordinator.ffff.fettle.internal"), caReply, "identity.ca-mismatch"],
    [
      "a name of its choice",
      newServer(ca, "evil.example"),
      { status: 200, body: { ca: ca.certificate, coordinatorName: "evil.example" } },
      "identity.bad-answer",
    ],
    [
      "a leaf in the CA's place",
      newServer(ca),
      { status: 200, body: { ca: (await newServer(ca)).cert, coordinatorName: COORDINATOR } },
      "identity.ca-mismatch",
    ],
    [
      "no certificate",
      newServer(ca),
      { status: 200, body: { ca: "x", coordinatorName: COORDINATOR } },
      "identity.bad-answer",
    ],
    ["something else", newServer(ca), { status: 200, body: "<html>" }, "identity.bad-answer"],
    ["far too much", newServer(ca), { status: 200, body: "x".repeat(200_000) }, "identity.coordinator-unreachable"],
  ];
  for (const [name, tls, caAnswer, code] of cases) {
    const { fake, address } = await coordinator(t, tls);
    fake.ca = caAnswer;
    const { identity, run } = machine(t);
    await t.rejects(run([address]), { code }, name);
    t.notMatch(JSON.stringify(fake.received), SECRET, name);
    t.equal(await identity.load(), null, name);
  }
});

t.test("an answer that is not for this key, or not of this coordinator, is not saved", async (t) => {
  const good = (await answerTo({ publicKey: publicOf(newKey()).export({ type: "spki", format: "pem" }).toString() }))
    .body as object;
  const own = async (body: Record<string, string>) => (await answerTo(body)).body as object;
  const cases: readonly [string, FakeEnrolment["enrol"], string][] = [
    ["another key", () => ({ status: 200, body: good }), "identity.certificate-mismatch"],
    [
      "another CA",
      async (body) => ({ status: 200, body: { ...(await own(body)), ca: otherCa.certificate } }),
      "identity.certificate-mismatch",
    ],
    [
      "another name",
      async (body) => ({
        status: 200,
        body: { ...(await own(body)), coordinatorName: "coordinator.x.fettle.internal" },
      }),
      "identity.certificate-mismatch",
    ],
    [
      "signed by another CA",
      async (body) => {
        const certificate = await agentCertificate(otherCa, createPublicKey(body.publicKey ?? ""), "x", day());
        return { status: 200, body: { ...(await own(body)), certificate } };
      },
      "identity.certificate-mismatch",
    ],
    ["no fields", () => ({ status: 200, body: {} }), "identity.bad-answer"],
  ];
  for (const [name, enrolReply, code] of cases) {
    const { fake, address } = await coordinator(t);
    fake.enrol = enrolReply;
    const { identity, run } = machine(t);
    await t.rejects(run([address]), { code }, name);
    t.equal(await identity.load(), null, name);
  }
});

t.test("a refusal says why, and is final; only an unreachable coordinator makes the next one tried", async (t) => {
  const { fake, address } = await coordinator(t);
  const error = {
    code: "identity.token-used",
    message: "The token was used.\u001b[31m",
    remedy: "Make a new one.",
    retryable: false,
  };
  fake.enrol = () => ({ status: 409, body: { error } });
  const { run } = machine(t);
  await t.rejects(run([address]), {
    code: "identity.refused",
    message: /409\): The token was used\.\[31m Make a new one/,
  });
  fake.enrol = answerTo;
  const closed = { host: "127.0.0.1", port: 1, apiPort: 1 };
  t.equal((await run([closed, address])).node, "ollama-1");
  await t.rejects(run([closed]), { code: "identity.coordinator-unreachable", message: /ECONNREFUSED/ });
});

t.test("what is no token is told so before anything is sent", async (t) => {
  const { fake, address } = await coordinator(t);
  const { run } = machine(t);
  for (const text of [
    "",
    "fettle1.x.y.z",
    `fettle2.${ca.pin}.abcdef0123.${SECRET}`,
    `fettle1.${ca.pin}.abcdef0123.${SECRET} extra`,
  ])
    await t.rejects(run([address], new Secret(text)), { code: "identity.bad-token" }, text);
  t.strictSame(fake.received, []);
});

t.test(
  "the same machine enrols again with its key; a copy of it with one of its own, the same however often",
  async (t) => {
    const { fake, address } = await coordinator(t);
    const { folder, identity, run } = machine(t);
    const keys = () => fake.received.flatMap(({ body }) => (body === "" ? [] : [JSON.parse(body).publicKey]));
    await run([address]);
    await run([address]);
    t.equal(new Set(keys()).size, 1);
    fake.enrol = () => ({ status: 500, body: {} });
    await t.rejects(run([address], tokenFor(ca), "copy"));
    t.equal((await identity.load())?.machine?.machineId, "m", "nothing is changed before the answer");
    fake.enrol = answerTo;
    await run([address], tokenFor(ca), "copy");
    await run([address], tokenFor(ca), "copy");
    const [first, , asked, ...again] = keys();
    t.not(asked, first);
    t.same(again, [asked, asked]);
    const own = await identity.load();
    t.equal(own?.machine?.machineId, "copy");
    t.equal(publicOf(own?.key.reveal() ?? "").export({ type: "spki", format: "pem" }), asked);
    t.equal((await readdir(join(folder, "identity"))).length, 2, "the first one's key is gone");
  },
);

t.test("what was declared for one node is nothing to the next; the same node goes on with it", async (t) => {
  const { fake, address } = await coordinator(t);
  const { folder, identity } = machine(t);
  const path = join(folder, "desired.json");
  const forget = () => forgetDesired(realFiles, folder);
  const become = (node: string) => {
    fake.enrol = async (body) => {
      const reply = await answerTo(body);
      return { ...reply, body: { ...(reply.body as object), node } };
    };
    return enrol({ coordinators: [address], identity, token: tokenFor(ca), machineId: "m", version: "0.1.0", forget });
  };
  await become("ollama-1");
  await writeFile(path, "{}");
  await become("ollama-1");
  t.equal(await readFile(path, "utf8"), "{}");
  await become("ollama-2");
  await t.rejects(readFile(path), { code: "ENOENT" });
  await become("ollama-3");
});
