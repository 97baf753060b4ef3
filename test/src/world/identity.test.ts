import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "@fettle/coordinator/pki/authority.ts";
import { agentCertificate } from "@fettle/coordinator/pki/certificates.ts";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import t, { type Test } from "tap";
import { ollamaHost } from "../sandbox/drifts.ts";
import { HandAgent, stealIdentity } from "./hand-agent.ts";
import { differences, snapshot } from "./machines.ts";
import { startWorld } from "./world.ts";

const NODE = "ollama-1";
/** Several of the loop's own times. */
const LOOK_ON_MS = 4_000;
const COPY = "c".repeat(32);

const world = await startWorld(t);
const { sandbox } = world;
const { outside } = sandbox.layout;
const agent = sandbox.agents[NODE];
const identityPath = join(sandbox.rootOf(NODE), "var/lib/fettle-agent/identity/identity.json");
const machinePath = join(sandbox.rootOf(NODE), "etc/machine-id");
const own = readFileSync(machinePath, "utf8").trim();
await world.inSync();

const certificate = (): string => JSON.parse(readFileSync(identityPath, "utf8")).certificate;
const observing = async (): Promise<string | undefined> =>
  JSON.parse(await sandbox.fettleAgent(NODE, ["status", "--json"])).report.agent.observing?.code;
/** Of its identity: how busy this machine is says nothing of it. */
const codes = async (): Promise<string[]> =>
  (await world.node(NODE)).findings.map(({ code }) => code).filter((code) => code.startsWith("identity."));
const readmit = (...more: string[]): Promise<string> => sandbox.fettle(["node", "readmit", NODE, ...more]);
const refused = async (work: Promise<unknown>): Promise<string> => await work.then(String, String);

/** A drift stays as it is: looked at, said, not touched. */
async function changesNothing(test: Test): Promise<void> {
  await ollamaHost.make(sandbox);
  const id = ollamaHost.repairs[0] ?? "";
  const found = await world.until(`${id} is drifted`, 30_000, async () => {
    const { state, code } = await world.resource(NODE, id);
    return state === "drifted" && code?.startsWith("identity.") ? { state, code } : false;
  });
  test.match(found, { state: "drifted" });
  const before = await snapshot(sandbox);
  await new Promise((resolve) => setTimeout(resolve, LOOK_ON_MS));
  test.strictSame(differences(before, await snapshot(sandbox)), [], "nothing is changed");
}

t.test("nothing to readmit", async (t) => {
  t.match(await refused(readmit()), /does not ask for anything/);
});

t.test("a copy of the machine knows before it connects, changes nothing, and says so", async (t) => {
  await agent.stop();
  await sandbox.coordinator.stop();
  writeFileSync(machinePath, `${COPY}\n`);
  agent.start();
  await world.until("its agent answers", 20_000, async () => (await observing()) === "identity.other-machine");
  sandbox.coordinator.start();
  await world.until("it is said", 60_000, async () => (await codes()).includes("identity.moved"));
  await changesNothing(t);
  const { people } = await world.status();
  t.ok(people.some(({ remedy }) => remedy?.includes(`fettle node readmit ${NODE}`)));
});

t.test("readmitted, it gets a new key bound to this machine, and the old certificate is dead", async (t) => {
  const stolen = stealIdentity(sandbox, NODE);
  const before = certificate();
  t.match(await readmit(), new RegExp(`${NODE} is machine-id ${COPY}`));
  await world.until("it has a new certificate", 60_000, async () => certificate() !== before);
  await world.inSync();
  t.equal(await observing(), undefined);
  t.same(await codes(), []);
  const old = new HandAgent(outside, stolen);
  t.match(await old.ended().catch(String), /403/, "not even an upgrade");
  t.equal((await world.node(NODE)).connection, "connected", "the new one serves on");
});

t.test("the machine that it was before is a stranger now, and so is two at once", async (t) => {
  const stolen = stealIdentity(sandbox, NODE);
  const second = new HandAgent(outside, stolen);
  await new Promise((resolve) => second.socket.once("open", resolve));
  second.say("hello", second.hello({ machineId: own }));
  t.equal(await second.ended(), "identity.duplicate");
  await world.until("the first only observes", 20_000, async () => (await observing()) === "identity.frozen");
  await changesNothing(t);
  t.match(await refused(readmit()), /--machine/, "which one has to be said");
  await agent.stop();
  agent.start();
  await world.until("it is back", 20_000, async () => (await world.node(NODE)).connection === "connected");
  t.equal(await observing(), "identity.frozen", "a restart does not end it");
  await readmit("--machine", COPY);
  await world.inSync();
  t.equal(await observing(), undefined);
  const again = new HandAgent(outside, stolen);
  t.match(await again.ended().catch(String), /403/, "the other's certificate is dead");
});

t.test("the same machine again is no other one", async (t) => {
  for (let life = 0; life < 3; life += 1) {
    await agent.kill();
    agent.start();
    await world.until("it is back", 20_000, async () => (await world.node(NODE)).connection === "connected");
  }
  t.equal(await observing(), undefined);
  t.same(await codes(), []);
});

t.test("other roles need a token with all of them, used on the same machine", async (t) => {
  t.match(await refused(sandbox.fettle(["token", "create", "--node", NODE, "--role", "ollama"])), /enrolled already/);
  const more = await sandbox.fettle(["token", "create", "--node", NODE, "--role", "ollama", "gateway", "--json"]);
  const before = certificate();
  await sandbox.fettleAgent(NODE, ["enrol"], { FETTLE_TOKEN: JSON.parse(more).token });
  t.same(JSON.parse(readFileSync(identityPath, "utf8")).roles, ["ollama", "gateway"]);
  t.not(certificate(), before);
  await world.inSync();
});

/** The certificate that the agent has, as if the machine had been off for too long. */
async function runOut(): Promise<void> {
  const pki = join(sandbox.layout.folder, "coordinator/data/pki");
  const read = (name: string) => readFileSync(join(pki, name), "utf8");
  const identity = JSON.parse(readFileSync(identityPath, "utf8"));
  const leaf = new X509Certificate(identity.certificate);
  const [notBefore, notAfter] = [Date.now() - 91 * DAY_MS, Date.now() - DAY_MS];
  const issuer = { certificate: read("issuer.pem"), key: read("issuer.key") };
  const name = leaf.subject.replace(/^CN=/, "");
  const old = await agentCertificate(issuer, leaf.publicKey, name, { notBefore, notAfter });
  const fingerprint = (one: X509Certificate) => one.fingerprint256.replaceAll(":", "").toLowerCase();
  const database = new DatabaseSync(join(sandbox.layout.folder, "coordinator/data/fettle.db"));
  database
    .prepare("UPDATE identities SET fingerprint = ?, notAfter = ? WHERE fingerprint = ?")
    .run(fingerprint(new X509Certificate(old)), notAfter, fingerprint(leaf));
  database.close();
  writeFileSync(identityPath, JSON.stringify({ ...identity, certificate: `${old}\n${issuer.certificate}` }));
}

t.test("a certificate that has run out: the agent asks, a person says yes, it is back", async (t) => {
  await agent.stop();
  await sandbox.coordinator.stop();
  await runOut();
  const expired = certificate();
  sandbox.coordinator.start();
  agent.start();
  await world.until("it asks", 60_000, async () => (await codes()).includes("identity.readmission-asked"));
  t.equal((await world.node(NODE)).connection, "disconnected");
  t.equal(certificate(), expired, "what it has is not lost");
  await readmit();
  await world.until("it is let in", 90_000, async () => certificate() !== expired);
  await world.inSync();
  t.same(await codes(), []);
});

t.test("node remove cuts off at once, and what it had asked for is gone", async (t) => {
  const stolen = stealIdentity(sandbox, NODE);
  await sandbox.fettle(["node", "remove", NODE]);
  await world.until("it is gone", 5_000, async () => (await world.node(NODE)).connection !== "connected");
  const old = new HandAgent(outside, stolen);
  t.match(await old.ended().catch(String), /403/);
  t.match(await refused(readmit()), /does not ask for anything/);
  const { events } = await world.client.call(eventsRoute, { query: { limit: 500 } });
  const kinds = events.map(({ kind }) => kind);
  for (const kind of ["node.frozen", "node.readmitted", "node.renewed", "node.readmission-asked", "node.removed"])
    t.ok(kinds.includes(kind), kind);
});
