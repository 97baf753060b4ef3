import assert from "node:assert/strict";
import { join } from "node:path";
import type { BareLab, BareStep } from "../bare/bare-lab.ts";
import { blocksOf, blockThat, quotedThat } from "../bare/page.ts";
import type { Host } from "../host.ts";
import { copyOut, writeFile } from "../host-files.ts";

export const backupName = "backup-restore.md";

/** What was copied off the coordinator's machine, as the page says: it lies here then. */
export function keptElsewhere({ config }: BareLab): string {
  return join(config.folder, "elsewhere");
}

/** docs/backup-restore.md up to the restore. */
export const backupPage: BareStep[] = [
  { name: "backup-restore.md: a passphrase, a backup while it runs, and both elsewhere", needed: true, run: backUp },
  { name: "backup-restore.md: every night by systemd; what is older than 30 days goes", run: everyNight },
  { name: "backup-restore.md: every night by cron", run: byCron },
  { name: "backup-restore.md: the CA apart", run: withoutCa },
];

async function backUp(lab: BareLab): Promise<string> {
  const { coordinator } = lab;
  const [passphrase = "", backup = ""] = blocksOf(backupName, "## Back up");
  const shown = await coordinator.run(["sh", "-ec", passphrase]);
  assert.match(shown, /^[\w+/=]{32}$/);
  assert.equal(await modeOf(coordinator, "/etc/fettle/backup-passphrase"), "600 root");
  const said = await coordinator.run(["sh", "-ec", backup]);
  assert.match(said, /^\/root\/fettle\.age$/m);
  assert.equal(await modeOf(coordinator, "/root/fettle.age"), "600 root");
  await assert.rejects(coordinator.run(["sh", "-ec", backup]), /is there already/);
  await coordinator.run(["sh", "-ec", `${backup.trimEnd()} ${quotedThat(backupName, "## Back up", "--force")}`]);
  const header = await coordinator.run(["head", "--bytes", "21", "/root/fettle.age"]);
  assert.equal(header, "age-encryption.org/v1");
  const piped = "fettle coordinator backup --to /root/piped.age < /etc/fettle/backup-passphrase";
  await coordinator.run(["sh", "-ec", piped]);
  for (const file of ["/root/fettle.age", "/etc/fettle/backup-passphrase"])
    await copyOut(coordinator, file, keptElsewhere(lab));
  return said;
}

const folder = "/var/backups/fettle";
const ofAge = `touch -d '32 days ago' ${folder}/fettle-old.age; touch -d '29 days ago' ${folder}/fettle-newer.age`;

function assertOldGone(listed: string): void {
  assert.match(listed, /fettle-newer\.age/);
  assert.doesNotMatch(listed, /fettle-old\.age/);
}

async function everyNight({ coordinator }: BareLab): Promise<string> {
  const heading = "## Every night";
  const [service = "", timer = ""] = blocksOf(backupName, heading, "ini");
  const units = { service: unitPath("service"), timer: unitPath("timer") };
  await writeFile(coordinator, units.service, service);
  await writeFile(coordinator, units.timer, timer);
  await coordinator.run(["systemd-analyze", "verify", units.service, units.timer]);
  await coordinator.run(["sh", "-ec", quotedThat(backupName, heading, "mkdir ")]);
  await coordinator.run(["sh", "-ec", ofAge]);
  await coordinator.run(["sh", "-ec", quotedThat(backupName, heading, "systemctl daemon-reload")]);
  const said = await coordinator.run(["sh", "-ec", quotedThat(backupName, heading, "systemctl start fettle-backup")]);
  assert.match(said, / fettle-\d{8}T\d{6}Z\.age$/m);
  assertOldGone(said);
  const next = ["systemctl", "show", "--property", "NextElapseUSecRealtime", "--value", "fettle-backup.timer"];
  const at = await coordinator.run(next);
  assert.match(at, / 03:(1\d|20):\d\d /);
  return `${said}\nnext at ${at}`;
}

function unitPath(kind: "service" | "timer"): string {
  return quotedThat(backupName, "## Every night", `/etc/systemd/system/fettle-backup.${kind}`);
}

/** The lab's machines have no cron: its line is run as cron runs it, with cron's own environment. */
async function byCron({ coordinator }: BareLab): Promise<string> {
  const [line = ""] = blocksOf(backupName, "## Every night", "text");
  const [, schedule, user, command = ""] = /^((?:\S+ ){5})(\S+) (.+)$/.exec(line.trim()) ?? [];
  assert.deepEqual([schedule, user], ["10 3 * * * ", "root"]);
  assert.doesNotMatch(command, /%/, "cron makes a new line of it");
  await coordinator.run(["sh", "-ec", ofAge]);
  const env = ["env", "-i", "HOME=/root", "LOGNAME=root", "SHELL=/bin/sh", "PATH=/usr/bin:/bin"];
  const said = await coordinator.run([...env, "/bin/sh", "-c", command]);
  assertOldGone(await coordinator.run(["ls", folder]));
  return said;
}

async function withoutCa(lab: BareLab): Promise<string> {
  const { coordinator } = lab;
  const backup = blockThat(backupName, "## Back up", "fettle coordinator backup")
    .trimEnd()
    .replace("/root/fettle.age", "/root/apart.age");
  const said = await coordinator.run([
    "sh",
    "-ec",
    `${backup} ${quotedThat(backupName, "## The CA apart", "--without-ca")}`,
  ]);
  await copyOut(coordinator, "/root/apart.age", keptElsewhere(lab));
  await copyOut(coordinator, quotedThat(backupName, "## The CA apart", "/var/lib/fettle/pki"), keptElsewhere(lab));
  return said;
}

function modeOf(host: Host, path: string): Promise<string> {
  return host.run(["stat", "--format", "%a %U", path]);
}
