import assert from "node:assert/strict";
import { blockThat } from "../bare/page.ts";
import { agentUnit } from "../fettle/agent.ts";
import { timed } from "../stopwatch.ts";
import type { CloudStep } from "./cloud-lab.ts";
import { bootDone, connected, refused, said, sameAfterReboot } from "./first-boot.ts";
import { type Instance, nameOf } from "./instance.ts";
import { launch } from "./launch.ts";
import { tell } from "./metadata.ts";
import { watchArguments, whereTokenIs } from "./token-watch.ts";
import { instanceOf, userDataFor, writeUserData } from "./user-data.ts";

const id = "4242424242424242424";

/** docs/install.md, "On GCP", with the distribution's build of Google's agent and a stand-in of the metadata server. */
export function gcpSteps(): CloudStep[] {
  let instance: Instance;
  return [
    {
      name: "GCP: a machine by the page's words is connected at its first boot; the token is in no argument and no log",
      needed: true,
      async run(lab) {
        const { gateway } = lab;
        const written = await writeUserData(
          lab,
          blockThat("install.md", "### On GCP", "(umask 077; sudo fettle token create"),
        );
        instance = instanceOf(written, "gcp", id, gateway.address);
        await launch(lab, gateway, instance);
        await watchArguments(gateway, written.token);
        const { seconds } = await timed(() => connected(lab, gateway));
        await bootDone(gateway, "gcp");
        assert.match(await said.gcp(gateway), /gateway-1 runs version \S+ and is connected to its coordinator/);
        assert.deepEqual(await whereTokenIs(gateway), []);
        return `${seconds.toFixed(1)} s from power on to connected`;
      },
    },
    {
      name: "GCP: the script runs at each boot, and ends at once where the agent is",
      async run(lab) {
        await sameAfterReboot(lab, lab.gateway, "gcp");
        assert.equal((await said.gcp(lab.gateway)).match(/startup-script exit status 0/g)?.length, 2);
      },
    },
    {
      name: "GCP: a first boot that was cut short between enrolment and start is taken up by the next",
      async run(lab) {
        const { gateway } = lab;
        await gateway.run(["systemctl", "disable", "--quiet", "--now", agentUnit]);
        await gateway.run(["rm", "/var/lib/fettle-agent/first-boot"]);
        await gateway.reboot();
        await connected(lab, gateway);
        await gateway.run(["systemctl", "is-enabled", agentUnit]);
      },
    },
    {
      name: "GCP: once the script is taken out of the metadata, a reboot is a reboot",
      async run(lab) {
        const { gateway } = lab;
        tell(lab.config, { ...instance, script: null });
        await gateway.reboot();
        await connected(lab, gateway);
        await bootDone(gateway, "gcp");
        assert.match(await said.gcp(gateway), /No startup scripts to run/);
      },
    },
    {
      name: "GCP: --instance-id takes what the firmware says",
      async run(lab) {
        const { spare, gitlab } = lab;
        await lab.fettle.cli(["node", "remove", gitlab.name]);
        const tied = await userDataFor(lab, gitlab.name, "gcp", "--instance-id", nameOf(instance));
        const other: Instance = { ...instance, id: "77", script: tied.script, address: spare.address };
        await launch(lab, spare, other);
        await refused(
          spare,
          "gcp",
          new RegExp(`is for the instance ${nameOf(instance)}; instance ${nameOf(other)} came`),
        );
        assert.equal(await spare.run(["cat", "/sys/class/dmi/id/product_serial"]), nameOf(other));
      },
    },
    {
      name: "GCP: a machine that was uninstalled, its script still there, stays without an agent",
      async run(lab) {
        const { gateway } = lab;
        tell(lab.config, instance);
        await gateway.run(["fettle-agent", "uninstall", "--yes"], { timeoutMs: 120_000 });
        await gateway.reboot();
        await refused(gateway, "gcp", /was used already, by instance GoogleCloud-[0-9A-F]{32}/);
      },
    },
  ];
}
