import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { authorityRoute } from "@fettle/shared/api/authority.ts";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import { keyHash, pemsOf, rootOf } from "@fettle/shared/lib/certificates.ts";
import t from "tap";
import { ollamaHost } from "../sandbox/drifts.ts";
import { HandAgent, stealIdentity } from "./hand-agent.ts";
import { startWorld } from "./world.ts";

const OFFLINE = "gateway-1";
const NODES = ["gitlab-1", "gateway-1", "ollama-1"] as const;

const world = await startWorld(t);
const { sandbox } = world;
const { outside } = sandbox.layout;
await world.inSync();

const identityOf = (node: (typeof NODES)[number]): { ca: string; certificate: string } =>
  JSON.parse(readFileSync(join(sandbox.rootOf(node), "var/lib/fettle-agent/identity/identity.json"), "utf8"));
const underOf = (node: (typeof NODES)[number]): string | null => {
  const { ca, certificate } = identityOf(node);
  const root = rootOf(certificate, ca);
  return root && keyHash(root.publicKey, "hex");
};
const authority = () => world.client.call(authorityRoute, {});
const enrolledCount = async (): Promise<number> =>
  (await world.client.call(eventsRoute, { query: { limit: 1000 } })).events.filter(
    ({ kind }) => kind === "node.enrolled",
  ).length;
const restartCoordinator = async (): Promise<void> => {
  await sandbox.coordinator.kill();
  sandbox.coordinator.start();
  await world.until("the coordinator answers", 30_000, async () => (await authority()).root !== "");
};

/** As curl's --pinnedpubkey sees it. */
const pinShown = async (host: string, port: number): Promise<string> => {
  const socket = connect({ host, port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { publicKey } = new X509Certificate(socket.getPeerCertificate().raw);
  socket.destroy();
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256//${createHash("sha256").update(spki).digest("base64")}`;
};

const before = await authority();
const enrolled = await enrolledCount();
const old = stealIdentity(sandbox, "ollama-1");

t.test("a rotation waits for the node that is offline, and names it", async (t) => {
  await sandbox.agents[OFFLINE].stop();
  t.match(await sandbox.fettle(["ca", "rotate"]), /waits for/);
  await world.until("the others have both roots", 30_000, async () =>
    ["gitlab-1", "ollama-1"].every((node) => pemsOf(identityOf(node as "gitlab-1").ca).length === 2),
  );
  await restartCoordinator();
  const said = await world.until("it is the last one", 30_000, async () => {
    const { rotation } = await authority();
    return rotation?.lacking.length === 1 && rotation;
  });
  t.match(said, { phase: "distributing", lacking: [OFFLINE], without: [] });
  t.match(await sandbox.fettle(["ca", "status"]), new RegExp(`waits for +${OFFLINE}`));
  t.equal((await authority()).root, before.root, "the old one is in use");
});

t.test("it goes on by itself when that one is back, and machines are kept all the while", async (t) => {
  sandbox.agents[OFFLINE].start();
  await ollamaHost.make(sandbox);
  await world.until("the new root is in use", 60_000, async () => (await authority()).root !== before.root);
  await restartCoordinator();
  const after = await world.until("the old root is gone", 60_000, async () => {
    const now = await authority();
    return now.rotation === null && now;
  });
  t.equal(after.serverPin, before.serverPin, "the line that was pasted pins the same key");
  for (const port of [7443, 7444]) t.equal(await pinShown(outside, port), before.serverPin, `port ${port} shows it`);
  for (const node of NODES) t.equal(underOf(node), after.root, `${node} shows a certificate of the new root`);
  await world.until("each trusts the new root alone", 30_000, async () =>
    NODES.every((node) => pemsOf(identityOf(node).ca).length === 1),
  );
  await world.inSync();
  t.equal(await enrolledCount(), enrolled, "nobody has enrolled again");
});

t.test("a certificate of the old root is nothing any more", async (t) => {
  t.match(await new HandAgent(outside, old).ended().catch(String), /certificate|ECONNRESET|hang up|unknown/i);
});

t.test("an agent that was away all the while says whom it does not believe, and enrols again", async (t) => {
  await sandbox.agents[OFFLINE].stop();
  const { root } = await authority();
  t.match(await sandbox.fettle(["ca", "rotate", "--without", OFFLINE]), new RegExp(`without +${OFFLINE}`));
  await world.until("the rotation has ended", 60_000, async () => {
    const now = await authority();
    return now.rotation === null && now.root !== root;
  });
  sandbox.agents[OFFLINE].start();
  await world.until("it says so", 30_000, async () =>
    (await sandbox.fettleAgent(OFFLINE, ["status", "--json"]).catch(String)).includes("link.untrusted"),
  );
  await sandbox.fettle(["node", "remove", OFFLINE]);
  await sandbox.enrol(OFFLINE);
  await world.inSync();
  t.equal(underOf(OFFLINE), (await authority()).root);
});

t.test("the coordinator at another address: agents that know it come there, and nobody enrols again", async (t) => {
  const known = await enrolledCount();
  const moved = outside.replace(/\d+$/, "9");
  const { child, env } = sandbox.coordinatorAt("coordinator", moved);
  t.teardown(() => child.stop());
  for (const node of NODES) {
    const path = join(sandbox.rootOf(node), "etc/fettle/agent.yaml");
    const both = `coordinators: ["${outside}:7444", "${env.FETTLE_LISTEN_AGENTS}"]`;
    writeFileSync(path, readFileSync(path, "utf8").replace(/coordinators: .*/, both));
    await sandbox.agents[node].stop();
    sandbox.agents[node].start();
  }
  await world.inSync();
  await sandbox.coordinator.stop();
  child.start();
  await world.until("it answers there", 30_000, async () => (await authority().catch(() => null)) !== null);
  await ollamaHost.make(sandbox);
  await world.inSync();
  t.ok(await ollamaHost.healed(sandbox), "the machines are kept from there");
  t.equal(await pinShown(moved, 7443), before.serverPin);
  t.equal(await enrolledCount(), known);
});
