import assert from "node:assert/strict";
import { basename } from "node:path";
import { modelRemoved } from "../drifts/model-removed.ts";
import { gatewayReference } from "../gateway-image.ts";
import { hostsOf } from "../steps/hosts.ts";
import { timed } from "../stopwatch.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { blockOutside } from "./block.ts";
import { type Carried, carry, fetchCarried, model, there } from "./carried.ts";
import { allowStandIn, arrival, install } from "./install-steps.ts";
import { arch } from "./releases.ts";
import { settled } from "./settled.ts";

/** From bare machines without any internet; the gateway's has a Docker Engine. */
export function offlineSteps(): BareStep[] {
  let carried: Carried | undefined;
  return [
    {
      name: "no internet: all traffic but among the machines is blocked",
      needed: true,
      async run(lab) {
        carried = await fetchCarried(lab);
        await blockOutside(lab);
        for (const host of [...hostsOf(lab), lab.coordinator]) {
          const outside = ["curl", "-sS", "--max-time", "1", "--output", "/dev/null", "https://github.com/"];
          assert.equal((await host.exec(outside)).code, 28, `${host.name} reaches the world`);
        }
        assert.equal(await lab.gateway.run(["docker", "image", "ls", "--quiet"]), "");
      },
    },
    ...arrival.filter(({ name }) => name.startsWith("the coordinator")),
    {
      name: "no internet: Ollama, the gateway's image and the model are in the mirror, with their sums",
      needed: true,
      async run(lab) {
        assert.ok(carried !== undefined);
        await carry(lab, carried);
        const { seconds } = await timed(() => fill(lab, carried as Carried));
        assert.match(await lab.fettle.cli(["mirror", "check"]), /files are whole/);
        return `${seconds.toFixed(1)} s`;
      },
    },
    {
      name: "no internet: each agent by its printed line, and from there to in sync",
      needed: true,
      async run(lab) {
        await Promise.all(hostsOf(lab).map((host) => install(lab, host, " --mirror")));
        await allowStandIn(lab);
        return settled(lab);
      },
    },
    {
      name: "no internet: a model that was removed comes from the mirror again",
      async run(lab) {
        await modelRemoved.make(lab);
        return settled(lab);
      },
    },
  ];
}

async function fill({ fettle, ollamaRelease }: BareLab, { ollama, image, imageId }: Carried): Promise<void> {
  const { version, sha256 } = ollamaRelease;
  // The stand-in is none of the vendor's archives, whose sums the coordinator knows by their version.
  const sums = ["--version", `${version}-rc1`, "--arch", arch, "--sha256", sha256];
  await fettle.cli(["mirror", "add", "ollama", `${there}/${basename(ollama)}`, ...sums], 120_000);
  const named = ["--reference", gatewayReference, "--image-id", imageId];
  await fettle.cli(["mirror", "add", "gateway", `${there}/${basename(image)}`, ...named], 120_000);
  await fettle.cli(["mirror", "add", "model", model, "--from", `${there}/models`], 120_000);
}
