import assert from "node:assert/strict";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { agentUnit } from "../fettle/agent.ts";
import type { Host } from "../host.ts";
import { until } from "../until.ts";
import type { CloudLab } from "./cloud-lab.ts";

/** Waits until the coordinator says that this node is connected. */
export async function connected(lab: CloudLab, host: Host): Promise<void> {
  await until(`${host.name} to be connected`, 240_000, async () => {
    const { nodes } = await lab.fettle.call(nodesRoute, { query: {} });
    return nodes.find(({ node }) => node === host.name)?.connection === "connected" || undefined;
  });
}

/** What the cloud's own program keeps of what the script said, where the page says that it is. */
export const said = {
  aws: (host: Host) => host.run(["cat", "/var/log/cloud-init-output.log"]),
  gcp: (host: Host) => host.run(["journalctl", "--no-pager", "--output", "cat", "-u", "google-startup-scripts"]),
};

/** Waits until the cloud's own program is through with this boot. */
export async function bootDone(host: Host, cloud: keyof typeof said): Promise<void> {
  const unit = cloud === "aws" ? "cloud-final.service" : "google-startup-scripts.service";
  // A unit that is through may be active or not: Debian's of Google's agent stays, Ubuntu's does not.
  const show = ["systemctl", "show", "--property", "ActiveState,ExecMainExitTimestampMonotonic", "--value", unit];
  await until(`${unit} of ${host.name} to end`, 240_000, async () => {
    const values = (await host.exec(show)).stdout.trim().split("\n");
    return (values.length === 2 && !values.includes("activating") && !values.includes("0")) || undefined;
  });
}

/** The script is refused at once, says this, and leaves nothing of Fettle. */
export async function refused(host: Host, cloud: keyof typeof said, ...says: RegExp[]): Promise<void> {
  await bootDone(host, cloud);
  const text = await said[cloud](host);
  for (const each of says) assert.match(text, each);
  assert.equal(text.match(/This machine is as it was before/g)?.length, 1, text);
  const look =
    "ls -d /opt/fettle* /etc/fettle* /var/lib/fettle* /usr/local/bin/fettle* /etc/systemd/system/fettle* /run/fettle*";
  assert.equal((await host.exec(["sh", "-c", look])).stdout, "");
}

/** Reboots; the machine is the same node as before, by an agent that this boot has started once. */
export async function sameAfterReboot(lab: CloudLab, host: Host, cloud: keyof typeof said): Promise<void> {
  const identity = () =>
    host.run(["sha256sum", "/var/lib/fettle-agent/identity/identity.json", "/etc/fettle/agent.yaml"]);
  const before = await identity();
  await host.reboot();
  await connected(lab, host);
  await bootDone(host, cloud);
  assert.equal(await identity(), before);
  const starts = await host.run([
    "sh",
    "-c",
    `journalctl --no-pager --output cat -u ${agentUnit} _PID=1 | grep -c '^Started '`,
  ]);
  const restarts = await host.run(["systemctl", "show", "--property", "NRestarts", "--value", agentUnit]);
  assert.deepEqual([starts, restarts], ["2", "0"], "one start in each boot");
}
