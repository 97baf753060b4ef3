import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArchiveSource } from "@fettle/agent/update/source.ts";
import { Updater, type UpdaterParts } from "@fettle/agent/update/updater.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";
import type { SignedManifest } from "@fettle/shared/release/manifest.ts";
import { pino } from "pino";
import t, { type Test } from "tap";
import { UpdateMachine } from "./machine.ts";
import { type MadeRelease, makeRelease, manifestOf, newReleaseKey, type ReleaseFaults, signedBy } from "./releases.ts";

const key = newReleaseKey();
const other = newReleaseKey();
const folder = mkdtempSync(join(tmpdir(), "fettle-releases-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

interface Scene {
  readonly machine: UpdateMachine;
  readonly updater: Updater;
  readonly audit: string[];
  readonly opened: number[];
  /** Resolves with the first status that ends the update, or that is as asked. */
  readonly comesTo: (state?: string) => Promise<UpdateStatus>;
}

const ENDS = ["trial", "done", "rolled-back", "refused", "failed"];

async function scene(
  t: Test,
  change: Partial<UpdaterParts> = {},
  before: (m: UpdateMachine) => void = () => {},
): Promise<Scene> {
  const machine = new UpdateMachine(t);
  before(machine);
  const audit: string[] = [];
  const opened: number[] = [];
  const stop = new AbortController();
  const updater = new Updater({
    host: machine.host,
    layout: machine.layout,
    running: "0.1.0",
    arch: "x64",
    wire: { oldest: 1, newest: 1 },
    keys: [key.pub],
    source: fileSource(folder, opened),
    heldBack: () => null,
    isWell: () => true,
    onChange: () => undefined,
    audit: (what) => audit.push(what),
    log: pino({ level: "silent" }),
    ...change,
  });
  await updater.load();
  const running = updater.run(stop.signal);
  t.teardown(async () => {
    stop.abort(new Error("the test ends"));
    await running;
  });
  const comesTo = async (state?: string): Promise<UpdateStatus> => {
    for (;;) {
      const status = updater.status();
      if (status && (state === undefined ? ENDS.includes(status.state) : status.state === state)) return status;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { machine, updater, audit, opened, comesTo };
}

/** The coordinator's part: the file from an offset on. `cutAfter` ends each answer early. */
function fileSource(from: string, opened: number[], cutAfter = Number.POSITIVE_INFINITY): ArchiveSource {
  return {
    async open(name, offset) {
      opened.push(offset);
      const path = join(from, name);
      if (!existsSync(path)) return { status: 404, chunks: toChunks([]), close: () => undefined };
      const end = offset + cutAfter - 1;
      const chunks = createReadStream(path, { start: offset, ...(Number.isFinite(end) && { end }) });
      return { status: offset === 0 ? 200 : 206, chunks, close: () => void chunks.destroy() };
    },
  };
}

async function* toChunks(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

function released(version: string, faults: ReleaseFaults = {}): MadeRelease & { signed: SignedManifest } {
  const made = makeRelease(folder, version, faults);
  return { ...made, signed: signedBy(made.manifest, [key]) };
}

const link = (machine: UpdateMachine, name: string) => readlinkSync(join(machine.root, "opt/fettle-agent", name));

t.test("a good update: verified, unpacked beside, written down, watched, switched, restarted", async (t) => {
  const { signed } = released("0.2.0");
  const seen: { record: unknown; current: string | null }[] = [];
  const { machine, updater, comesTo } = await scene(t, {}, (one) => {
    const watch = one.onGuard;
    one.onGuard = async () => {
      // What is on disk when the guard begins: the record, and not yet the switch.
      const current = existsSync(join(one.root, "opt/fettle-agent/current")) ? link(one, "current") : null;
      seen.push({ record: one.record(), current });
      await watch();
    };
  });
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo(), { state: "trial", version: "0.2.0", from: "0.1.0", token: "t1" });
  t.match(seen, [{ record: { state: "trial", version: "0.2.0", from: "0.1.0" }, current: null }]);
  t.equal(link(machine, "current"), "0.2.0");
  t.equal(link(machine, "previous"), "0.1.0");
  t.equal(machine.read("/etc/systemd/system/fettle-agent.service"), "# 0.2.0\n");
  t.equal(machine.read("/var/lib/fettle-agent/units-before/fettle-agent.service"), "# 0.1.0\n");
  t.same(machine.asked.slice(-3), [
    "daemon-reload",
    "start fettle-agent-guard.service",
    "restart fettle-agent.service",
  ]);
  const left = readdirSync(join(machine.root, "opt/fettle-agent")).sort();
  t.same(left, ["0.1.0", "0.2.0", "current", "previous"], "nothing is left of fetching and unpacking");
});

t.test("the same version as runs is nothing to do", async (t) => {
  const { updater, machine, opened } = await scene(t);
  updater.want({ release: signedBy(manifestOf({ version: "0.1.0" }), [key]), token: "t1" });
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.equal(updater.status(), null);
  t.same(opened, []);
  t.equal(machine.record(), null);
});

const tampered = (signed: SignedManifest, from: string, to: string): SignedManifest => ({
  ...signed,
  manifest: signed.manifest.replace(from, to),
});
const good = manifestOf();
const REFUSED: readonly [string, SignedManifest, string, string?][] = [
  ["nobody signed it", signedBy(good, []), "update.unsigned"],
  ["another key signed it", signedBy(good, [other]), "update.untrusted"],
  [
    "the manifest was changed after it was signed",
    tampered(signedBy(good, [key]), "0.2.0", "0.3.0"),
    "update.untrusted",
  ],
  [
    "another key's signature under a trusted key's name",
    {
      ...signedBy(good, [other]),
      signatures: [
        { ...signedBy(good, [other]).signatures[0], key: signedBy(good, [key]).signatures[0]?.key } as never,
      ],
    },
    "update.untrusted",
  ],
  ["the coordinator's release", signedBy(manifestOf({ product: "fettle-coordinator" }), [key]), "update.wrong-product"],
  ["for another machine", signedBy(manifestOf({ arch: "arm64" }), [key]), "update.wrong-arch"],
  ["older than what runs", signedBy(manifestOf({ version: "0.0.9" }), [key]), "update.downgrade"],
  [
    "an old manifest, replayed after a newer version ran here",
    signedBy(manifestOf({ version: "0.1.5" }), [key]),
    "update.replayed",
    "0.1.7",
  ],
  [
    "the very version that ran here before",
    signedBy(manifestOf({ version: "0.1.7" }), [key]),
    "update.replayed",
    "0.1.7",
  ],
  ["it takes over from a later version", signedBy(manifestOf({ minVersion: "0.1.9" }), [key]), "update.too-old"],
  ["it speaks another wire", signedBy(manifestOf({ wire: { oldest: 2, newest: 3 } }), [key]), "update.wire"],
  ["signed, and not a manifest", signedBy({ ...good, more: 1 } as never, [key]), "update.bad-manifest"],
];

for (const [name, release, code, newest] of REFUSED)
  t.test(`refused: ${name}`, async (t) => {
    const { machine, updater, comesTo, opened, audit } = await scene(t, {}, (one) => {
      if (newest !== undefined) writeFileSync(join(one.root, "var/lib/fettle-agent/newest-version"), newest);
    });
    updater.want({ release, token: "t1" });
    t.match(await comesTo(), { state: "refused", code, token: "t1" });
    t.same(opened, [], "nothing is fetched");
    t.match(machine.record(), { state: "refused", code }, "it is on disk, so that a restart does not try again");
    t.match(audit, [new RegExp(`refused \\(${code}\\)`)]);
  });

t.test("either of two signatures is enough, and a key of the machine's own policy", async (t) => {
  const { signed, manifest } = released("0.2.0");
  t.ok(signed);
  const { updater, comesTo } = await scene(t, { keys: [newReleaseKey().pub, key.pub] });
  updater.want({ release: signedBy(manifest, [other, key]), token: "t1" });
  t.match(await comesTo(), { state: "trial" });
});

const BROKEN: readonly [string, () => SignedManifest, string][] = [
  [
    "a tampered archive",
    () => {
      const { signed, path } = released("0.3.0");
      const bytes = Buffer.alloc(64, 7);
      writeFileSync(path, bytes, { flag: "r+" });
      return signed;
    },
    "update.sum-differs",
  ],
  [
    "an archive that is longer than what was signed",
    () => {
      const { signed, path } = released("0.3.1");
      writeFileSync(path, "more", { flag: "a" });
      return signed;
    },
    "update.sum-differs",
  ],
  [
    "an archive with a link out of the tree",
    () => released("0.3.2", { link: { path: "lib", target: "../../../etc" } }).signed,
    "update.unpack-failed",
  ],
  [
    "an archive with an absolute link",
    () => released("0.3.3", { link: { path: "lib", target: "/etc" } }).signed,
    "update.unpack-failed",
  ],
  [
    "a program that does not start",
    () => released("0.3.4", { files: { "bin/fettle-agent": "#!/bin/sh\nexit 3\n" } }).signed,
    "update.not-sound",
  ],
  [
    "a program of another version",
    () => released("0.3.5", { files: { "bin/fettle-agent": "#!/bin/sh\necho fettle-agent 9.9.9\n" } }).signed,
    "update.not-sound",
  ],
  [
    "an archive without release.json",
    () => released("0.3.6", { files: { "release.json": null } }).signed,
    "update.not-sound",
  ],
  [
    "an archive that the coordinator does not have",
    () => signedBy(manifestOf({ version: "0.3.7", size: 9 }), [key]),
    "update.fetch-failed",
  ],
];

for (const [name, make, code] of BROKEN)
  t.test(`failed: ${name}`, async (t) => {
    const { machine, updater, comesTo } = await scene(t);
    updater.want({ release: make(), token: "t1" });
    t.match(await comesTo(), { state: "failed", code });
    t.notOk(existsSync(join(machine.root, "opt/fettle-agent/current")), "nothing was switched");
    t.notOk(machine.asked.includes("restart fettle-agent.service"));
    const left = readdirSync(join(machine.root, "opt/fettle-agent")).filter((entry) => !entry.startsWith(".fetch"));
    t.same(left, ["0.1.0"]);
  });

t.test("a truncated archive at the coordinator", async (t) => {
  const { signed, path, manifest } = released("0.3.8");
  const { updater, comesTo } = await scene(t, {
    source: {
      open: async (_, offset) =>
        offset >= 100
          ? { status: 416, chunks: toChunks([]), close: () => undefined }
          : { status: 200, chunks: createReadStream(path, { end: 99 }), close: () => undefined },
    },
  });
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo(), {
    state: "failed",
    code: "update.sum-differs",
    reason: new RegExp(`100 bytes of ${manifest.size}`),
  });
});

t.test("a download that is cut again and again goes on where it ended", async (t) => {
  const { signed, manifest } = released("0.2.1");
  const opened: number[] = [];
  const { updater, comesTo } = await scene(t, { source: fileSource(folder, opened, 200) });
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo(), { state: "trial" });
  t.same(
    opened,
    [...Array(Math.ceil(manifest.size / 200)).keys()].map((nth) => nth * 200),
  );
});

t.test("no room: refused before anything is fetched", async (t) => {
  const { signed } = released("0.2.0");
  const { machine, updater, comesTo, opened } = await scene(t);
  machine.freeBytes = 1e6;
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo(), { state: "failed", code: "update.no-space" });
  t.same(opened, []);
});

t.test("held back: waiting with its code, and it goes on by itself", async (t) => {
  const { signed } = released("0.2.0");
  let held: FettleError | null = new FettleError("update.paused", { scope: "*", reason: "hands off" });
  const { updater, comesTo, opened } = await scene(t, { heldBack: () => held });
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo("waiting"), { code: "update.paused" });
  t.same(opened, []);
  held = null;
  t.match(await comesTo(), { state: "trial" });
});

t.test("what is no longer asked for is left, and said no more", async (t) => {
  const { signed } = released("0.2.0");
  const { updater, comesTo } = await scene(t, {
    heldBack: () => new FettleError("update.busy", { resource: "ollama.service" }),
  });
  updater.want({ release: signed, token: "t1" });
  await comesTo("waiting");
  updater.want({ release: null, token: "" });
  while (updater.status() !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  t.pass("nothing is said of it");
});

t.test("what is taken away when it is unpacked already is not switched to", async (t) => {
  const { signed } = released("0.2.0");
  let looks = 0;
  const heldBack = () => {
    looks += 1;
    if (looks === 2) made.updater.want({ release: null, token: "" });
    return null;
  };
  const made = await scene(t, { heldBack });
  made.updater.want({ release: signed, token: "t1" });
  await made.comesTo("fetching");
  while (made.updater.status() !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(looks, 2);
  t.equal(made.machine.record(), null);
  t.notOk(made.machine.asked.includes("restart fettle-agent.service"));
});

t.test("a request is taken up once; a new token asks again", async (t) => {
  const { updater, comesTo, audit } = await scene(t);
  const release = signedBy(good, [other]);
  updater.want({ release, token: "t1" });
  await comesTo();
  updater.want({ release: null, token: "" });
  updater.want({ release, token: "t1" });
  updater.want({ release, token: "t2" });
  while (updater.status()?.token !== "t2" || updater.status()?.state !== "refused")
    await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(audit.length, 2);
});

t.test("a guard that does not watch: nothing is switched, and what was there is there", async (t) => {
  const { signed } = released("0.2.0");
  const { machine, updater, comesTo } = await scene(t, {}, (one) => {
    one.onGuard = async () => undefined;
  });
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo(), { state: "failed", code: "update.switch-failed", reason: /did not begin to watch/ });
  t.equal(link(machine, "current"), "0.1.0");
  t.equal(machine.read("/etc/systemd/system/fettle-agent.service"), "# 0.1.0\n");
  t.equal(machine.asked.at(-2), "daemon-reload", "systemd knows it too");
  t.notOk(machine.asked.includes("restart fettle-agent.service"));
});

t.test("a unit that systemd does not take: the one before is there when the machine starts again", async (t) => {
  const { signed } = released("0.2.0");
  const { machine, updater, comesTo } = await scene(t, {}, (one) => {
    one.onRestart = async () => {
      throw new Error("Unit fettle-agent.service has a bad unit file setting.");
    };
  });
  updater.want({ release: signed, token: "t1" });
  t.match(await comesTo("failed"), { code: "update.switch-failed", reason: /bad unit file setting/ });
  t.equal(link(machine, "current"), "0.1.0");
  t.equal(machine.read("/etc/systemd/system/fettle-agent.service"), "# 0.1.0\n");
});

t.test(
  "the guard that watches is the one that was there; the new one comes when its version has proved itself",
  async (t) => {
    const GUARD = "/etc/systemd/system/fettle-agent-guard.service";
    const guards = (one: UpdateMachine) => {
      writeFileSync(join(one.root, GUARD), "# guard of 0.1.0\n");
      mkdirSync(join(one.root, "opt/fettle-agent/0.2.0/units"), { recursive: true });
      writeFileSync(join(one.root, "opt/fettle-agent/0.2.0/units/fettle-agent-guard.service"), "# guard of 0.2.0\n");
    };
    const { signed } = released("0.2.0");
    const before = await scene(t, {}, guards);
    before.updater.want({ release: signed, token: "t1" });
    await before.comesTo("trial");
    t.equal(before.machine.read(GUARD), "# guard of 0.1.0\n");
    t.same(before.machine.record()?.units, { "fettle-agent.service": true });
    let well = false;
    const after = await scene(t, { running: "0.2.0", isWell: () => well }, (one) => {
      guards(one);
      one.onGuard = async () => undefined;
      left(one, {});
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.equal(after.machine.read(GUARD), "# guard of 0.1.0\n", "not while it is tried");
    well = true;
    await after.comesTo("done");
    while (after.machine.read(GUARD) !== "# guard of 0.2.0\n") await new Promise((resolve) => setTimeout(resolve, 5));
  },
);

const TRIAL = {
  state: "trial",
  version: "0.2.0",
  from: "0.1.0",
  token: "t1",
  at: 1,
  startedAt: 1_700_000_000_000,
  bootId: "boot-1",
  boots: 1,
  restarts: 0,
  units: {},
};

function left(one: UpdateMachine, record: object): void {
  writeFileSync(join(one.root, "var/lib/fettle-agent/update.json"), JSON.stringify({ ...TRIAL, ...record }));
}

t.test("the new version: done after 10 s of being connected and well; old versions go", async (t) => {
  let well = false;
  const { machine, comesTo, audit } = await scene(t, { running: "0.2.0", isWell: () => well }, (one) => {
    for (const version of ["0.0.9", "0.2.0"]) mkdirSync(join(one.root, "opt/fettle-agent", version));
    one.onGuard = async () => undefined;
    left(one, {});
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(machine.record()?.state, "trial");
  well = true;
  t.match(await comesTo("done"), { version: "0.2.0", from: "0.1.0" });
  t.match(machine.record(), { state: "done" });
  t.equal(machine.read("/var/lib/fettle-agent/newest-version"), "0.2.0\n");
  t.match(audit, [/0.1.0 -> 0.2.0: done/]);
  while (existsSync(join(machine.root, "opt/fettle-agent/0.0.9")))
    await new Promise((resolve) => setTimeout(resolve, 5));
  t.same(readdirSync(join(machine.root, "opt/fettle-agent")), ["0.1.0", "0.2.0"]);
});

t.test("the version before, after the guard put it back: it says why, and does not try again", async (t) => {
  const { signed } = released("0.2.0");
  const { machine, updater, comesTo, opened, audit } = await scene(t, {}, (one) =>
    left(one, { state: "rolled-back", code: "update.crashed", reason: "it ended" }),
  );
  t.match(await comesTo(), { state: "rolled-back", code: "update.crashed", reason: "it ended" });
  while (machine.record()?.told !== true) await new Promise((resolve) => setTimeout(resolve, 5));
  t.same(audit, ["update 0.1.0 -> 0.2.0: rolled-back (update.crashed)"]);
  updater.want({ release: signed, token: "t1" });
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.same(opened, []);
  updater.want({ release: signed, token: "t2" });
  t.match(await comesTo("trial"), { token: "t2" });
  t.equal(machine.record()?.token, "t2");
});

t.test("what is in the audit already is not told again", async (t) => {
  const ended = { state: "rolled-back", code: "update.crashed", reason: "it ended", told: true } as const;
  const { updater, audit, opened } = await scene(t, {}, (one) => left(one, ended));
  updater.want({ release: released("0.2.0").signed, token: "t2" });
  while (opened.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.same(audit, []);
});

t.test("killed between the record and the switch: the version before does it again", async (t) => {
  const { signed } = released("0.2.0");
  const { machine, updater } = await scene(t, {}, (one) => {
    // Its unit was in place already; what is kept has to be the one before still.
    writeFileSync(join(one.root, "etc/systemd/system/fettle-agent.service"), "# 0.2.0\n");
    mkdirSync(join(one.root, "var/lib/fettle-agent/units-before"));
    writeFileSync(join(one.root, "var/lib/fettle-agent/units-before/fettle-agent.service"), "# 0.1.0\n");
    left(one, { units: { "fettle-agent.service": true } });
  });
  updater.want({ release: signed, token: "t1" });
  while (!existsSync(join(machine.root, "opt/fettle-agent/current")))
    await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(link(machine, "current"), "0.2.0");
  t.match(machine.record()?.units, { "fettle-agent.service": true }, "the way back is whole");
  t.equal(machine.read("/var/lib/fettle-agent/units-before/fettle-agent.service"), "# 0.1.0\n");
});

t.test("another version was installed by hand in the middle of a trial", async (t) => {
  const { machine, comesTo } = await scene(t, { running: "0.1.4" }, (one) => left(one, {}));
  t.match(await comesTo("failed"), { code: "update.interrupted" });
  t.match(machine.record(), { state: "failed" });
});

t.test("by hand: no such file", async (t) => {
  const { updater } = await scene(t);
  await t.rejects(updater.takeFile("/nowhere"), { code: "update.no-file" });
  t.equal(updater.status(), null);
});

t.test("by hand: verified like any other", async (t) => {
  const { machine, updater, comesTo, opened } = await scene(t, {
    heldBack: () => new FettleError("update.paused", { scope: "*", reason: "hands off" }),
  });
  const { path, manifest } = makeRelease(join(machine.root, "opt"), "0.2.0");
  const here = path.slice(machine.root.length);
  const say = (release: SignedManifest) => writeFileSync(`${path}.manifest`, JSON.stringify(release));
  say(signedBy(manifest, [other]));
  await t.rejects(updater.takeFile(here), { code: "update.untrusted" });
  say(signedBy({ ...manifest, version: "0.0.1" }, [key]));
  await t.rejects(updater.takeFile(here), { code: "update.downgrade" });
  say(signedBy(manifest, [key]));
  t.same(await updater.takeFile(here), { from: "0.1.0", version: "0.2.0" });
  updater.want({ release: null, token: "" });
  t.match(await comesTo("trial"), { version: "0.2.0" });
  t.same(opened, [], "nothing is asked of the coordinator");
});

t.test("by hand: an archive that is not what was signed", async (t) => {
  const { machine, updater, comesTo } = await scene(t);
  const { path, manifest } = makeRelease(join(machine.root, "opt"), "0.2.0");
  writeFileSync(`${path}.manifest`, JSON.stringify(signedBy({ ...manifest, size: manifest.size + 1 }, [key])));
  await t.rejects(updater.takeFile(path.slice(machine.root.length)), { code: "update.sum-differs" });
  writeFileSync(`${path}.manifest`, JSON.stringify(signedBy({ ...manifest, sha256: "b".repeat(64) }, [key])));
  await updater.takeFile(path.slice(machine.root.length));
  t.match(await comesTo("failed"), { code: "update.sum-differs" });
});

t.test("a disk that takes nothing does not end the agent, and a trial on it is not done", async (t) => {
  const { machine, updater } = await scene(t, { running: "0.2.0" }, (one) => {
    one.onGuard = async () => undefined;
    one.failWrites = "/var/lib/fettle-agent/";
    left(one, {});
  });
  await new Promise((resolve) => setTimeout(resolve, 250));
  t.equal(machine.record()?.state, "trial");
  machine.failWrites = null;
  while (machine.record()?.state !== "done") await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(updater.status()?.version, "0.2.0", "it was done once the disk took it");
});

t.test("a disk that takes nothing at the start: an update is still judged", async (t) => {
  const { updater, comesTo } = await scene(t, {}, (one) => {
    one.failWrites = "newest-version";
  });
  updater.want({ release: signedBy(good, [other]), token: "t1" });
  t.match(await comesTo(), { state: "refused", code: "update.untrusted" });
});
