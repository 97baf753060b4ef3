import assert from "node:assert/strict";
import type { BareLab } from "../bare/bare-lab.ts";
import { blockThat } from "../bare/page.ts";
import type { CommandResult } from "../command.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import type { Host } from "../host.ts";
import { backupName } from "./backup-page.ts";

type Refusal = { code: string; make?: string; line: (page: string) => string };

/** Every row of the page's table that can be had here; `make` lays what is given. */
const refusals: Refusal[] = [
  { code: "backup.no-passphrase", line: (page) => page.replace(/ --passphrase-file \S+/, "") },
  {
    code: "backup.wrong-passphrase",
    make: "echo another > other",
    line: (page) => page.replace("--passphrase-file backup-passphrase", "--passphrase-file other"),
  },
  {
    code: "backup.cut",
    make: "head --bytes -20000 fettle.age > broken.age",
    line: (page) => page.replace("fettle.age", "broken.age"),
  },
  {
    code: "backup.tampered",
    make: "cp fettle.age broken.age; printf X | dd of=broken.age bs=1 seek=20000 conv=notrunc status=none",
    line: (page) => page.replace("fettle.age", "broken.age"),
  },
  { code: "backup.no-pki", line: (page) => page.replace("fettle.age", "apart.age") },
  { code: "backup.other-pki", line: (page) => `${page.replace("fettle.age", "apart.age")} --pki /var/lib/fettle/pki` },
  { code: "backup.occupied", line: (page) => page.replace(" --replace", "") },
];

/** While the new machine's own coordinator runs, and then stopped; nothing is changed by any. */
export async function restoreRefusals({ coordinator, fettle }: BareLab): Promise<string> {
  const page = blockThat(backupName, "## Restore", "fettle coordinator restore").trimEnd();
  const lines = [await refused(coordinator, page, "backup.running")];
  await coordinator.run(["systemctl", "stop", coordinatorUnit]);
  for (const { code, make = "true", line } of refusals) {
    await coordinator.run(["sh", "-ec", `cd /root; ${make}`]);
    const before = await dataOf(coordinator);
    lines.push(await refused(coordinator, line(page), code));
    assert.equal(await dataOf(coordinator), before, `${code}: nothing has changed`);
  }
  await fettle.start();
  const noPassphrase = "fettle coordinator backup --to /root/none.age";
  lines.push(await refused(coordinator, noPassphrase, "backup.no-passphrase"));
  return lines.join("\n");
}

async function refused(host: Host, line: string, code: string): Promise<string> {
  const { code: exit, stderr }: CommandResult = await host.exec(["sh", "-ec", `cd /root\n${line}`]);
  assert.notEqual(exit, 0, code);
  assert.ok(stderr.includes(code), `${code}: ${stderr}`);
  return stderr.trim().split("\n").slice(0, 2).join(" ");
}

/** Names and bytes of all that a coordinator is on disk. */
function dataOf(host: Host): Promise<string> {
  const look = "find /var/lib/fettle /etc/fettle -type f -exec sha256sum {} + | sort";
  return host.run(["sh", "-c", look]);
}
