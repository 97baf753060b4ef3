import assert from "node:assert/strict";
import { mirrorRoute } from "@fettle/shared/api/mirror.ts";
import { modelRemoved } from "../drifts/model-removed.ts";
import { stackText } from "../fettle/stack-text.ts";
import type { Host } from "../host.ts";
import { writeFile } from "../host-files.ts";
import { connectedHost } from "../layout.ts";
import { hostsOf } from "../steps/hosts.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { blockOutside } from "./block.ts";
import { carried, carry, connectedMachine, fetchCarried, follow, ofThisLab, page, upConnected } from "./carried.ts";
import { allowStandIn, arrival, install } from "./install-steps.ts";
import { offlinePackages } from "./offline-packages.ts";
import { blocksOf, blockThat } from "./page.ts";
import { arch } from "./releases.ts";
import { settled } from "./settled.ts";

const onCoordinator = "## 3. The coordinator";
const onMachines = "## 4. The machines";

/** docs/offline.md, from bare machines to in sync; the gateway's has a Docker Engine, or gets it from carried packages. */
export function offlineSteps(engine = true): BareStep[] {
  return [
    ...arrival.slice(0, 1),
    {
      name: "docs/offline.md 1, on a connected machine: what is carried is fetched, saved and summed",
      needed: true,
      async run(lab) {
        await upConnected(lab.config);
        const said = await fetchCarried(lab, !engine);
        assert.match(said, new RegExp(`^${lab.ollamaRelease.sha256} {2}ollama-linux`, "m"));
        return connectedMachine(lab.config).run(["du", "-sh", carried]);
      },
    },
    {
      name: "docs/offline.md 2: all traffic but among the machines is blocked; the disk's sums are right",
      needed: true,
      async run(lab) {
        await carry(connectedMachine(lab.config), lab.coordinator);
        await blockOutside(lab);
        await Promise.all([...hostsOf(lab), lab.coordinator].map(mustNotReach));
        if (engine) assert.equal(await lab.gateway.run(["docker", "image", "ls", "--quiet"]), "");
        const sums = await follow(lab.coordinator, blocksOf(page, "## 2. Carry it"), "/root");
        assert.match(sums, /install-coordinator.sh: OK/);
      },
    },
    {
      name: "docs/offline.md 3: the coordinator, and its mirror filled",
      needed: true,
      run: fill,
    },
    {
      name: "docs/offline.md 4: the stack, and each agent by its printed line",
      needed: true,
      async run(lab) {
        await writeFile(lab.coordinator, `${carried}/stack.yaml`, stackText(lab.config));
        await follow(lab.coordinator, [blockThat(page, onMachines, "sudo fettle apply")]);
        await Promise.all(hostsOf(lab).map((host) => install(lab, host)));
        for (const { name } of hostsOf(lab))
          assert.equal(lab.lines.get(name)?.endsWith(" --mirror"), name !== "gitlab-1", `the line for ${name}`);
        await allowStandIn(lab);
      },
    },
    ...(engine ? [] : offlinePackages),
    {
      name: "no internet: from there to in sync",
      needed: true,
      async run(lab) {
        const said = await settled(lab);
        assert.match(await lab.fettle.cli(["mirror", "check"]), /^(\d+) of \1 files are whole/);
        return said;
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

async function mustNotReach(host: Host): Promise<void> {
  for (const place of ["github.com", connectedHost]) {
    const outside = ["curl", "-sS", "--max-time", "1", "--output", "/dev/null", `https://${place}/`];
    assert.equal((await host.exec(outside)).code, 28, `${host.name} reaches ${place}`);
  }
}

/** The stand-in's archive is none of the vendor's, whose sums the coordinator knows: it goes in as another version. */
async function fill(lab: BareLab): Promise<string> {
  const [set = "", add = ""] = blocksOf(page, onCoordinator).map((block) => ofThisLab(block, lab));
  assert.match(await follow(lab.coordinator, [set]), /runs and answers at https:/);
  const [ollama = "", ...others] = add.split("\n");
  const refused = await lab.coordinator.exec(["sh", "-c", `cd ${carried} && ${ollama}`]);
  assert.equal(refused.code, 1, refused.stdout);
  assert.match(refused.stderr, /mirror\.sum-differs/);
  assert.deepEqual((await lab.fettle.call(mirrorRoute, {})).items, []);
  const { version, sha256 } = lab.ollamaRelease;
  const allowed = ollama.replace(`--version ${version}`, `--version ${version}-rc1 --arch ${arch} --sha256 ${sha256}`);
  return follow(lab.coordinator, [allowed, ...others]);
}
