import { randomBytes } from "node:crypto";
import { install } from "@fettle/agent/resources/ollama/install.ts";
import t from "tap";
import { FakeMirror } from "../../mirror/fake-mirror.ts";
import { startAgent } from "../agent.ts";
import { Machine } from "./machine.ts";

const ID = "ollama.install";
const VERSION = "0.32.15";

interface Case {
  readonly what: string;
  /** The source that agent.yaml names is reached. */
  readonly online: boolean;
  readonly prepare: (mirror: FakeMirror, archive: Buffer, sha256: string) => void;
  readonly ends: "repaired" | "ollama.install.download-failed";
  /** Whether the source was asked for it. */
  readonly fromSource: boolean;
}

const offer = (mirror: FakeMirror, archive: Buffer, sha256: string) =>
  void mirror.offer({ kind: "ollama", name: `${VERSION}-x64`, sha256 }, archive);

const cases: readonly Case[] = [
  { what: "no internet, and the mirror has it", online: false, prepare: offer, ends: "repaired", fromSource: false },
  {
    what: "without a consent: the sum is known here",
    online: false,
    prepare: (mirror, archive, sha256) => {
      offer(mirror, archive, sha256);
      mirror.allowed = false;
    },
    ends: "repaired",
    fromSource: false,
  },
  {
    what: "in pieces",
    online: false,
    prepare: (mirror, archive, sha256) => {
      offer(mirror, archive, sha256);
      mirror.cutAfter = 300_000;
    },
    ends: "repaired",
    fromSource: false,
  },
  {
    what: "the mirror gives another file under that sum: the source has it",
    online: true,
    prepare: (mirror, archive, sha256) => offer(mirror, randomBytes(archive.length), sha256),
    ends: "repaired",
    fromSource: true,
  },
  {
    what: "the mirror has another archive under that name",
    online: false,
    prepare: (mirror, archive) => offer(mirror, archive, "a".repeat(64)),
    ends: "ollama.install.download-failed",
    fromSource: false,
  },
  {
    what: "nowhere",
    online: false,
    prepare: () => undefined,
    ends: "ollama.install.download-failed",
    fromSource: false,
  },
];

for (const { what, online, prepare, ends, fromSource } of cases) {
  t.test(what, async (t) => {
    const machine = await Machine.start(t);
    const release = await machine.release(VERSION);
    const archive = await bytesOf(release.url);
    if (!online) await machine.registry.close();
    const before = machine.registry.seen.length;
    const mirror = new FakeMirror();
    prepare(mirror, archive, release.sha256);
    const agent = startAgent(machine.host, undefined, mirror);
    t.teardown(() => agent.stop());
    agent.set([install(machine.params(), () => release)]);
    await agent.until(
      ID,
      () => agent.runs(ID).some(({ outcome }) => outcome !== undefined && outcome !== null),
      30_000,
    );
    const [run] = agent.runs(ID);
    t.equal(run?.code ?? run?.outcome, ends);
    t.equal(machine.registry.seen.length > before, fromSource, "the source was asked");
  });
}

async function bytesOf(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}
