import { createPrivateKey, createPublicKey, sign, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Credentials } from "@fettle/agent/link/credentials.ts";
import { Renewal } from "@fettle/agent/link/renewal.ts";
import type { LinkStatus } from "@fettle/agent/link/status.ts";
import { type Identity, type IdentityStore, identityStore } from "@fettle/agent/store/identity.ts";
import type { Files } from "@fettle/agent/system/files.ts";
import { realFiles } from "@fettle/agent/system/real/files.ts";
import { identify } from "@fettle/coordinator/ingest/identify.ts";
import { createAuthority, DAY_MS } from "@fettle/coordinator/pki/authority.ts";
import { Pki } from "@fettle/coordinator/pki/pki.ts";
import { openStore, type Store } from "@fettle/coordinator/store/store.ts";
import { enrolProof } from "@fettle/shared/api/enrol.ts";
import { readmitProof } from "@fettle/shared/api/readmit.ts";
import { renewProof } from "@fettle/shared/api/renew.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import { pino } from "pino";
import t, { type Test } from "tap";

const START = Date.parse("2026-03-01T12:00:00Z");
const MACHINE = { machineId: "m1", instanceId: "i-1", productUuid: "ec2-1" };
const COPY = { ...MACHINE, instanceId: "i-2", productUuid: "ec2-2" };

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

/** Files that fail from the n-th change on, as when the process is killed there. */
function dyingAfter(changes: number): { files: Files; made: () => number } {
  let made = 0;
  const step = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (made >= changes) throw new Error("killed");
      made += 1;
      return await work(...args);
    };
  };
  const { writeAtomic, remove } = realFiles;
  return {
    made: () => made,
    files: { ...realFiles, writeAtomic: step(writeAtomic), remove: step(remove) },
  };
}

const publicOf = (key: Secret): string =>
  createPublicKey(key.reveal()).export({ type: "spki", format: "pem" }).toString();
const signed = (said: string, key: Secret): string =>
  sign("sha256", Buffer.from(said), createPrivateKey(key.reveal())).toString("base64");
const fingerprintOf = ({ certificate }: Pick<Identity, "certificate">): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
const nameOf = ({ certificate }: Pick<Identity, "certificate">): string =>
  new X509Certificate(certificate).subject.replace(/^CN=/, "");
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
  );

/** Whether one look at this identity, at this moment, ends in asking for a new certificate. */
async function asksOn(
  identity: Identity,
  now: number,
  status: Pick<LinkStatus, "state" | "clockOffsetMs">,
): Promise<boolean> {
  const looked = new AbortController();
  let asked = false;
  const clock = new HandClock();
  clock.at = now;
  clock.sleep = async () => looked.abort();
  const unused = async () => must<never>(null, "what a look at what is due does not use");
  const nextKey = async () => {
    asked = true;
    return identity.key;
  };
  const store = { load: async () => identity, candidate: async () => null, nextKey, offer: unused, promote: unused };
  await new Renewal({
    ...{ coordinators: [], store, clock, status: () => status, machine: () => MACHINE, shown: () => identity },
    ...{ isQuiet: () => true, reconnect: () => undefined, onForeignChange: () => undefined },
    log: pino({ level: "silent" }),
  }).run(looked.signal);
  return asked;
}

/** To the minute. */
async function firstAsked(identity: Identity): Promise<number> {
  let [early, late] = [START + 30 * DAY_MS, START + 31 * DAY_MS];
  while (late - early > 60_000) {
    const middle = (early + late) / 2;
    if (await asksOn(identity, middle, { state: "connected", clockOffsetMs: 0 })) late = middle;
    else early = middle;
  }
  return Math.round(late / 60_000);
}

class Scene {
  readonly clock: HandClock;
  readonly pki: Pki;
  readonly store: Store;
  readonly folder: string;

  constructor(clock: HandClock, pki: Pki, store: Store, folder: string) {
    this.clock = clock;
    this.pki = pki;
    this.store = store;
    this.folder = folder;
  }

  static async of(test: Test): Promise<Scene> {
    const root = await mkdtemp(join(tmpdir(), "fettle-renewal-"));
    const clock = new HandClock();
    await createAuthority(join(root, "pki"), "c0ffee", clock);
    const store = await openStore(join(root, "fettle.db"));
    const pki = await Pki.open({
      ...{ folder: join(root, "pki"), store, clock, coordinatorId: "c0ffee", names: [], agentPort: () => 7444 },
      onRenewalFailed: (error) => test.fail(String(error)),
    });
    test.teardown(async () => {
      await store.close();
      await rm(root, { recursive: true, force: true });
    });
    return new Scene(clock, pki, store, join(root, "agent"));
  }

  agent(files: Files = realFiles): IdentityStore {
    return identityStore(files, this.folder);
  }

  async enrolled(): Promise<Identity> {
    const store = this.agent();
    const minted = await this.pki.mint({ stack: "duo", node: "ollama-1", roles: ["ollama"], by: "test" });
    const key = await store.key();
    const proof = signed(enrolProof(minted.id, publicOf(key)), key);
    const asked = { token: minted.token.reveal(), publicKey: publicOf(key), proof, ...MACHINE, version: "0.1.0" };
    const { answer } = await this.pki.enrol(asked, "127.0.0.1");
    await store.save(answer, MACHINE);
    await this.shows(await this.held());
    return await this.held();
  }

  async held(): Promise<Identity> {
    return must(await this.agent().load(), "an identity");
  }

  /** As the coordinator looks at whoever connects. */
  async shows(identity: Identity): Promise<void> {
    await identify(this, { fingerprint: fingerprintOf(identity), commonName: nameOf(identity) });
  }

  async renew(identity: Identity, key: Secret, machine = MACHINE): Promise<string> {
    const fingerprint = fingerprintOf(identity);
    const proof = signed(renewProof(fingerprint, publicOf(key)), key);
    const asked = { publicKey: publicOf(key), proof, machine };
    return (await this.pki.agents.renew("ollama-1", fingerprint, asked)).certificate;
  }

  async readmit(identity: Identity, key: Secret, machine = MACHINE, nonce = this.pki.agents.nonce("here")) {
    const said = { nonce, currentKey: publicOf(identity.key), newKey: publicOf(key), machine };
    const proof = readmitProof(this.pki.coordinatorName, said);
    const proofs = { currentProof: signed(proof, identity.key), newProof: signed(proof, key) };
    return await this.pki.agents.readmit({ ...said, ...proofs }, "here");
  }

  /** Connects with what it has, once or twice as the link does, until it is let in. */
  async connects(store: IdentityStore): Promise<void> {
    const credentials = new Credentials(store, () => undefined);
    for (let turn = 0; turn < 3; turn += 1) {
      const identity = must(await credentials.next(), "an identity");
      if ((await codeOf(this.shows(identity))) === "none") return await credentials.welcomed();
    }
    throw new Error("never let in");
  }

  /** All of a renewal. */
  async whole(store: IdentityStore): Promise<void> {
    if ((await store.candidate()) === null) {
      const identity = must(await store.load(), "an identity");
      const key = await store.nextKey();
      await store.offer(await this.renew(identity, key), MACHINE);
    }
    await this.connects(store);
  }
}

t.test("killed at any change on disk, a renewal strands nobody, and is made in the next life", async (t) => {
  let points = 0;
  for (let killedAfter = 0; ; killedAfter += 1) {
    const scene = await Scene.of(t);
    const first = await scene.enrolled();
    const { files, made } = dyingAfter(killedAfter);
    const end = await codeOf(scene.whole(scene.agent(files)));
    await scene.connects(scene.agent());
    await scene.whole(scene.agent());
    const now = await scene.held();
    t.not(now.certificate, first.certificate, `killed after ${killedAfter}: a new certificate`);
    t.not(now.key.reveal(), first.key.reveal(), "with a new key");
    t.same([now.machine, now.roles, await scene.agent().candidate()], [MACHINE, ["ollama"], null]);
    t.equal(await codeOf(scene.shows(first)), "identity.revoked", "the old one is dead");
    t.equal((await scene.store.identities.live("ollama-1", scene.clock.now())).length, 1);
    if (end === "none") {
      points = made();
      break;
    }
    t.match(end, /killed/);
  }
  t.ok(points >= 5, `${points} points`);
});

t.test(
  "the old certificate is good until the new one is first shown, and a lost answer is asked for anew",
  async (t) => {
    const scene = await Scene.of(t);
    const first = await scene.enrolled();
    const key = await scene.agent().nextKey();
    await scene.renew(first, key);
    t.equal((await scene.agent().nextKey()).reveal(), key.reveal(), "the same key again");
    const second = { ...first, certificate: await scene.renew(first, key) };
    await scene.shows(first);
    await scene.shows(second);
    t.equal(await codeOf(scene.shows(first)), "identity.revoked");
    t.equal(await codeOf(scene.renew(first, await scene.agent().nextKey())), "identity.revoked");
    t.equal(await codeOf(scene.renew(second, key, COPY)), "identity.bad-key", "not the same key again");
  },
);

t.test("due from day 30 of 90 on, within a day, by the coordinator's clock, and only while connected", async (t) => {
  const { expiresAt } = await (await Scene.of(t)).enrolled();
  t.equal(expiresAt - START, 90 * DAY_MS, "a certificate lasts 90 days");
  const cases: { day: number; offsetDays?: number; state?: LinkStatus["state"]; asks: boolean; why: string }[] = [
    { day: 29.9, asks: false, why: "it is not due" },
    { day: 31, asks: true, why: "it is due, whatever the spread" },
    { day: 89.9, asks: true, why: "an agent that was off asks as soon as it is back" },
    { day: 31, state: "connecting", asks: false, why: "there is nobody to ask" },
    { day: 40, offsetDays: 20, asks: false, why: "this machine's clock is ahead" },
    { day: 20, offsetDays: -20, asks: true, why: "this machine's clock is behind" },
  ];
  const identities = await Promise.all(Array.from({ length: 4 }, async () => (await Scene.of(t)).enrolled()));
  for (const { day, offsetDays = 0, state = "connected", asks, why } of cases)
    for (const identity of identities)
      t.equal(await asksOn(identity, START + day * DAY_MS, { state, clockOffsetMs: offsetDays * DAY_MS }), asks, why);
  const moments = await Promise.all(identities.map((identity) => firstAsked(identity)));
  t.ok(new Set(moments).size > 1, "not all at the same moment");
});

t.test("an unreadable candidate is not in the way", async (t) => {
  const scene = await Scene.of(t);
  const first = await scene.enrolled();
  await scene.agent().nextKey();
  await realFiles.writeAtomic(join(scene.folder, "identity/next.json"), "{", { mode: 0o600 });
  await scene.connects(scene.agent());
  t.equal((await scene.held()).certificate, first.certificate);
  await scene.whole(scene.agent());
  t.not((await scene.held()).certificate, first.certificate);
});

t.test("another machine gets no new certificate, nor does a removed node", async (t) => {
  const scene = await Scene.of(t);
  const first = await scene.enrolled();
  const key = await scene.agent().nextKey();
  t.equal(await codeOf(scene.renew(first, key, COPY)), "identity.moved");
  const candidate = { ...first, certificate: await scene.renew(first, key) };
  await scene.pki.revoke("ollama-1");
  t.equal(await codeOf(scene.renew(first, key)), "identity.revoked");
  t.equal(await codeOf(scene.shows(candidate)), "identity.revoked", "nor the one that was not used yet");
});

t.test("expired: nothing but a person's word lets it in again, and that machine alone", async (t) => {
  const scene = await Scene.of(t);
  const first = await scene.enrolled();
  const key = await scene.agent().nextKey();
  t.equal(await codeOf(scene.readmit(first, key)), "identity.not-expired");
  scene.clock.at += 91 * DAY_MS;
  t.equal(await codeOf(scene.shows(first)), "identity.expired");
  t.match(await scene.readmit(first, key), { answer: null, news: { kind: "expired" } });
  t.match(await scene.readmit(first, key), { answer: null, news: null }, "said once");
  await scene.readmit(first, key, COPY);
  t.equal(await codeOf(scene.pki.agents.approve("ollama-1", "ada", undefined)), "identity.which-machine");
  t.same(await scene.pki.agents.approve("ollama-1", "ada", "i-1"), MACHINE);
  t.equal((await scene.readmit(first, key, COPY)).answer, null, "the other one waits for ever");
  await scene.readmit(first, key);
  const { answer } = await scene.readmit(first, key);
  await scene.agent().offer(must(answer, "a certificate").certificate, MACHINE);
  await scene.connects(scene.agent());
  t.equal((await scene.held()).expiresAt, scene.clock.at + 90 * DAY_MS);
  t.equal(await codeOf(scene.readmit(first, key)), "identity.revoked", "the old key is done");
});

t.test("what a readmission takes: known keys, both signatures, a nonce of now", async (t) => {
  const scene = await Scene.of(t);
  const first = await scene.enrolled();
  const key = await scene.agent().nextKey();
  scene.clock.at += 91 * DAY_MS;
  const nonce = scene.pki.agents.nonce("here");
  const other = { ...first, key: await identityStore(realFiles, join(scene.folder, "other")).key() };
  t.equal(await codeOf(scene.readmit(other, key)), "identity.unknown");
  t.equal(await codeOf(scene.readmit(first, first.key)), "identity.bad-key");
  t.equal(await codeOf(scene.readmit(first, key, MACHINE, "1.2.3")), "identity.nonce-old");
  scene.clock.at += 3 * 60_000;
  t.equal(await codeOf(scene.readmit(first, key, MACHINE, nonce)), "identity.nonce-old", "no replay");
  const said = { nonce: scene.pki.agents.nonce("here"), currentKey: publicOf(first.key), newKey: publicOf(key) };
  const proof = signed(readmitProof(scene.pki.coordinatorName, { ...said, machine: MACHINE }), key);
  const forged = { ...said, machine: MACHINE, currentProof: proof, newProof: proof };
  t.equal(await codeOf(scene.pki.agents.readmit(forged, "here")), "identity.proof-wrong");
  await scene.pki.revoke("ollama-1");
  t.equal(await codeOf(scene.readmit(first, key)), "identity.revoked");
  t.equal(await codeOf(scene.pki.agents.approve("ollama-1", "ada", undefined)), "identity.nothing-to-readmit");
  const asked = Array.from({ length: 30 }, async () => scene.pki.agents.nonce("elsewhere"));
  t.ok((await Promise.all(asked.map(codeOf))).includes("identity.rate-limited"));
});

t.test("keys are for their owner alone, and the old one is gone", async (t) => {
  const scene = await Scene.of(t);
  await scene.enrolled();
  await scene.whole(scene.agent());
  const { keyFile } = JSON.parse(await readFile(join(scene.folder, "identity/identity.json"), "utf8"));
  const folder = (await realFiles.list(join(scene.folder, "identity"))) ?? [];
  t.same([...folder].map(String).sort(), ["identity.json", keyFile].sort());
  t.equal((await realFiles.stat(join(scene.folder, "identity", keyFile)))?.mode, 0o600);
});
