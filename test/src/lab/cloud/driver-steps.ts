import assert from "node:assert/strict";
import { type NodeView, nodeRoute } from "@fettle/shared/api/nodes.ts";
import type { ResourceView } from "@fettle/shared/api/resources.ts";
import { allowStandIn } from "../bare/install-steps.ts";
import { stackText } from "../fettle/stack-text.ts";
import type { Machine } from "../host-spec.ts";
import { timed } from "../stopwatch.ts";
import { until } from "../until.ts";
import { ensureGpuImage } from "./cloud-image.ts";
import type { CloudLab, CloudStep } from "./cloud-lab.ts";
import { connected } from "./first-boot.ts";
import { launch } from "./launch.ts";
import { instanceOf, userDataFor } from "./user-data.ts";

/** A T4, as the bus shows it. */
const card: NonNullable<Machine["files"]> = Object.entries({
  vendor: "0x10de",
  class: "0x030200",
  modalias: "pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00",
}).map(([field, text]) => ({ path: `etc/lab-firmware/pci/0000:00:1e.0/${field}`, text: `${text}\n` }));

/** `driver: install` at a first boot, with packages that hold next to nothing and a card that is none. */
export const driverSteps: CloudStep[] = [
  {
    name: "AWS: the GPU driver is installed at the first boot, with one reboot and nobody asked",
    async run(lab) {
      const { ollama, fettle, config } = lab;
      const image = await ensureGpuImage(config);
      await fettle.apply(stackText(config).replace("      drain: 10m\n", "      drain: 10m\n      driver: install\n"));
      await fettle.cli(["node", "remove", ollama.name]);
      const written = await userDataFor(lab, ollama.name, "aws");
      await launch(lab, ollama, instanceOf(written, "aws", "i-0abcabcabcabcabca", ollama.address), image, card);
      await connected(lab, ollama);
      await allowStandIn(lab);
      const { seconds } = await timed(() => driverInSync(lab));
      const boots = await ollama.run(["journalctl", "--no-pager", "--list-boots", "--quiet"]);
      assert.equal(boots.split("\n").length, 2, boots);
      assert.match(await ollama.journal("fettle-driver-install.service"), /Setting up nvidia-\S+ /);
      return `in sync ${seconds.toFixed(1)} s after it was connected`;
    },
  },
];

async function driverInSync(lab: CloudLab): Promise<void> {
  let last: ResourceView | undefined;
  await until("the driver to be in sync", 300_000, async () => {
    const { node, resources } = await lab.fettle.call(nodeRoute, { params: { node: lab.ollama.name } });
    last = resources.find(({ id }) => id === "ollama.driver");
    return (isConnected(node) && last?.state === "in-sync" && (await hasDriver(lab))) || undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${last?.state} ${last?.text ?? ""}`));
}

function isConnected({ connection }: NodeView): boolean {
  return connection === "connected";
}

async function hasDriver({ ollama }: CloudLab): Promise<boolean> {
  return (await ollama.exec(["nvidia-smi"])).code === 0;
}
