import assert from "node:assert/strict";
import { MANIFEST_SUFFIX } from "@fettle/coordinator/mirror/releases.ts";
import { mirrorRoute } from "@fettle/shared/api/mirror.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import { copyIn } from "../host-files.ts";
import { hostsOf } from "../steps/hosts.ts";
import { GOOD, goodRelease } from "../update/lab-releases.ts";
import { runningVersion } from "../update/machine.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { carried, follow, ofThisLab, page } from "./carried.ts";
import { blockThat } from "./page.ts";
import { settled } from "./settled.ts";

const later = "## Later";
const mirror = "/var/lib/fettle/mirror";

export const offlineLater: BareStep[] = [
  {
    name: "docs/offline.md, later: a new Fettle, given from another machine after `fettle login`, and all are updated",
    async run(lab) {
      const cli = await logIn(lab);
      const archive = await goodRelease(lab);
      for (const file of [archive, `${archive}${MANIFEST_SUFFIX}`]) await copyIn(lab.gitlab, file, carried);
      const block = blockThat(page, later, "sudo fettle mirror add agent").replaceAll("sudo fettle", cli);
      await follow(lab.gitlab, [ofRelease(block, lab)], carried, 300_000);
      for (const host of hostsOf(lab)) assert.equal(await runningVersion(host), GOOD, host.name);
      return settled(lab);
    },
  },
  {
    name: "docs/offline.md, later: a model taken out of the mirror stays on its machine; the rest is whole",
    async run(lab) {
      const said = await follow(lab.coordinator, [blockThat(page, later, "sudo fettle mirror remove model")]);
      assert.match(said, /^(\d+) of \1 files are whole/m);
      const { items } = await lab.fettle.call(mirrorRoute, {});
      assert.deepEqual(items.map(({ kind }) => kind).sort(), ["gateway", "ollama"]);
      return settled(lab);
    },
  },
  {
    name: "a disk that fills while a file comes: refused, and nothing of it stays",
    run: fillDisk,
  },
];

/** The block's version is that of the release that the lab made for it. */
function ofRelease(block: string, lab: BareLab): string {
  return ofThisLab(block, { releases: { ...lab.releases, version: GOOD } });
}

/** docs/install.md's fourth step on GitLab's machine; how the program is called there. */
async function logIn({ gitlab, coordinator, releases }: BareLab): Promise<string> {
  await copyIn(gitlab, releases.coordinator, carried);
  await follow(gitlab, [`tar -xzf fettle-coordinator-${releases.version}-linux-${releases.arch}.tar.gz`]);
  const made = ["token", "create", "--api", "admin", "--name", "you", "--json"];
  const { token, url, pin } = JSON.parse(await coordinator.run(["fettle", ...made])) as Record<string, string>;
  const cli = `${carried}/${releases.version}/bin/fettle`;
  await gitlab.run([cli, "login", url ?? "", "--pin", pin ?? ""], { input: `${token}\n` });
  return cli;
}

/**
 * A disk of its own for the mirror, with room for the file at first, and without it a second later, when a third of it
 * has come. Other programs do not send so slowly, so curl stands for `fettle mirror add`.
 */
const filling = `set -e
systemctl stop ${coordinatorUnit}
mount -t tmpfs -o size=640m,mode=0700,uid=$(id -u fettle),gid=$(id -g fettle) none ${mirror}
systemctl start ${coordinatorUnit}
door="curl -sS --unix-socket /run/fettle/admin.sock"
until $door --fail http://fettle/healthz >/dev/null; do sleep 0.2; done
head -c 60000000 /dev/urandom > /tmp/large
sum=$(sha256sum /tmp/large | cut -d ' ' -f 1)
$door --limit-rate 20M -H 'content-type: application/octet-stream' -X POST --data-binary @/tmp/large \\
  "http://fettle/v1/mirror/blobs/$sum?size=60000000" &
sleep 1
test -s ${mirror}/incoming/$sum.*
head -c 700000000 /dev/zero > ${mirror}/others || true
wait $! || true
rm ${mirror}/others
`;

async function fillDisk({ coordinator, fettle }: BareLab): Promise<void> {
  try {
    assert.match(await coordinator.run(["sh", "-c", filling]), /mirror\.disk-full/);
    assert.equal(await coordinator.run(["find", mirror, "-type", "f"]), "");
  } finally {
    const undo = `systemctl stop ${coordinatorUnit}; umount ${mirror}; rm -f /tmp/large`;
    await coordinator.run(["sh", "-c", undo]);
    await fettle.start();
  }
}
