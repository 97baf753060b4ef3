import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { blockThat } from "../bare/page.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import type { Host } from "../host.ts";
import { timed } from "../stopwatch.ts";
import { until } from "../until.ts";
import type { CloudStep } from "./cloud-lab.ts";
import { bootDone, connected, refused, said, sameAfterReboot } from "./first-boot.ts";
import { launch, withCopy } from "./launch.ts";
import { watchArguments, whereTokenIs } from "./token-watch.ts";
import { instanceOf, userDataFor, type Written, writeUserData } from "./user-data.ts";

const first = "i-0a1b2c3d4e5f60718";
const other = "i-0f00000000000000f";

/** docs/install.md, "On AWS", with the distribution's cloud-init and a stand-in of the instance metadata service. */
export function awsSteps(): CloudStep[] {
  let written: Written;
  return [
    {
      name: "AWS: a machine by the page's words is connected at its first boot; the token is in no argument and no log",
      needed: true,
      async run(lab) {
        written = await writeUserData(
          lab,
          blockThat("install.md", "### On AWS", "(umask 077; sudo fettle token create"),
        );
        assert.equal(await lab.coordinator.run(["stat", "-c", "%a", `/root/${written.asked.file}`]), "600");
        await launch(lab, lab.ollama, instanceOf(written, "aws", first, lab.ollama.address));
        await watchArguments(lab.ollama, written.token);
        const { seconds } = await timed(() => connected(lab, lab.ollama));
        await bootDone(lab.ollama, "aws");
        assert.match(await said.aws(lab.ollama), /ollama-1 runs version \S+ and is connected to its coordinator/);
        // What cloud-init keeps of the user-data, for root alone.
        const own =
          /^(400|600|700) root \/var\/lib\/cloud\/instances\/i-\w+\/(user-data\.txt(\.i)?|scripts\/part-001|obj\.pkl)$/;
        const places = await whereTokenIs(lab.ollama);
        assert.ok(places.length > 0, "cloud-init keeps the user-data");
        for (const place of places) assert.match(place, own);
        return `${seconds.toFixed(1)} s from power on to connected`;
      },
    },
    {
      name: "AWS: after a reboot the user-data does nothing again",
      run: (lab) => sameAfterReboot(lab, lab.ollama, "aws"),
    },
    {
      name: "AWS: another instance with the same user-data is refused, and told which one used it",
      async run(lab) {
        const { spare } = lab;
        await launch(lab, spare, { ...instanceOf(written, "aws", other, lab.ollama.address), address: spare.address });
        await refused(spare, "aws", /was used already, by instance i-0a1b2c3d4e5f60718/, /identity\.token-used/);
        await connected(lab, lab.ollama);
      },
    },
    {
      name: "AWS: --instance-id: only that instance",
      async run(lab) {
        const { spare, gitlab } = lab;
        const tied = await userDataFor(lab, gitlab.name, "aws", "--instance-id", first.replace("a", "b"));
        const instance = instanceOf(tied, "aws", first.replace("a", "b"), gitlab.address);
        await launch(lab, spare, { ...instance, id: other, address: spare.address });
        await refused(spare, "aws", /is for the instance i-0b1b2c3d4e5f60718; instance i-0f00000000000000f came/);
        await launch(lab, gitlab, instance);
        await connected(lab, gitlab);
      },
    },
    {
      name: "AWS: an image of a machine that has an agent, launched as another node, is that node",
      async run(lab) {
        const { gateway, ollama } = lab;
        const own = await userDataFor(lab, gateway.name, "aws");
        const instance = instanceOf(own, "aws", other, gateway.address);
        await withCopy(lab, ollama, gateway, instance, async () => {
          await connected(lab, gateway);
          await bootDone(gateway, "aws");
          assert.match(await said.aws(gateway), /until now this machine was ollama-1\n(.*\n)*gateway-1 runs version/);
          await connected(lab, ollama);
        });
        await lab.fettle.cli(["node", "remove", gateway.name]);
      },
    },
    {
      name: "AWS: --ttl: a machine that boots too late is refused",
      async run(lab) {
        const { spare, gateway } = lab;
        const short = await userDataFor(lab, gateway.name, "aws", "--ttl", "1m");
        await sleep(61_000);
        await launch(lab, spare, { ...instanceOf(short, "aws", other, gateway.address), address: spare.address });
        await refused(spare, "aws", /has run out/, /identity\.token-expired/);
      },
    },
    {
      name: "AWS: a machine that boots before the coordinator can be reached gets there by itself",
      async run(lab) {
        const { gateway, coordinator } = lab;
        const early = await userDataFor(lab, gateway.name, "aws");
        await coordinator.run(["systemctl", "stop", coordinatorUnit]);
        await launch(lab, gateway, instanceOf(early, "aws", other, gateway.address));
        await tries(gateway, 2);
        await lab.fettle.start();
        const { seconds } = await timed(() => connected(lab, gateway));
        await lab.fettle.cli(["node", "remove", gateway.name]);
        return `connected ${seconds.toFixed(1)} s after the coordinator came`;
      },
    },
    {
      name: "AWS: with the agents' port closed it is enrolled, says what is closed, and is connected once that is open",
      async run(lab) {
        const { gateway, coordinator } = lab;
        const half = await userDataFor(lab, gateway.name, "aws");
        await coordinator.run(["nft", "--file", "-"], { input: agentsPortClosed });
        try {
          await launch(lab, gateway, instanceOf(half, "aws", first.replace("a", "d"), gateway.address));
          await logged(gateway, "install.not-connected", 1);
        } finally {
          await coordinator.run(["nft", "delete", "table", "ip", "lab_closed"]);
        }
        const { seconds } = await timed(() => connected(lab, gateway));
        await bootDone(gateway, "aws");
        assert.match(
          await said.aws(gateway),
          /See that port 7444 of the coordinator is open(.*\n)*gateway-1 runs version/,
        );
        await lab.fettle.cli(["node", "remove", gateway.name]);
        return `connected ${seconds.toFixed(1)} s after the port was opened`;
      },
    },
    {
      name: "AWS: a first boot that was cut short, and not taken up by cloud-init, is by the page's command",
      async run(lab) {
        const { gateway, coordinator } = lab;
        const early = await userDataFor(lab, gateway.name, "aws");
        await coordinator.run(["systemctl", "stop", coordinatorUnit]);
        await launch(lab, gateway, instanceOf(early, "aws", first.replace("a", "c"), gateway.address));
        await tries(gateway, 1);
        await gateway.reboot();
        await bootDone(gateway, "aws");
        await lab.fettle.start();
        const again = blockThat("install.md", "### On AWS", "sudo sh /var/lib/cloud/");
        assert.match(await gateway.run(["sh", "-ec", again], { timeoutMs: 120_000 }), /gateway-1 runs version/);
        await connected(lab, gateway);
        await lab.fettle.cli(["node", "remove", gateway.name]);
      },
    },
  ];
}

const agentsPortClosed = `add table ip lab_closed
table ip lab_closed {
  chain incoming { type filter hook prerouting priority -310; ip protocol tcp tcp dport 7444 drop; }
}
`;

/** Waits until the script has tried so often to reach a coordinator that is not there. */
function tries(host: Host, times: number): Promise<void> {
  return logged(host, "curl: (7)", times);
}

async function logged(host: Host, words: string, times: number): Promise<void> {
  await until(`${words}, ${times} times, in the log of ${host.name}`, 240_000, async () => {
    const log = await host.exec(["grep", "-cF", words, "/var/log/cloud-init-output.log"]);
    return Number(log.stdout) >= times || undefined;
  });
}
