import { launchCommand } from "@fettle/coordinator/cli/cloud-init/launch.ts";
import { CLOUDS } from "@fettle/coordinator/cli/cloud-init/machines.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { ROLE_NAMES, roleNamed } from "@fettle/shared/roles/roles.ts";
import t from "tap";
import { askedOfAws, askedOfGcp } from "./cloud-cli.ts";
import { sizes } from "./sizes.ts";
import { wordsOf } from "./typed.ts";

const own = { SUBNET: "subnet-0abc", GROUP: "sg-0abc", ZONE: "asia-northeast1-a" };

for (const cloud of CLOUDS)
  for (const roles of [...ROLE_NAMES.map((role) => [role]), [...ROLE_NAMES], ["gateway", "ollama"]]) {
    t.test(`${cloud}: the command for ${roles.join("+")} is one that the cloud takes, and enough for it`, async (t) => {
      const printed = launchCommand(cloud, { node: "some-1", roles, address: "10.0.0.20", file: "fettle-some-1.sh" });
      const words = await wordsOf(printed, own);
      const asked = cloud === "aws" ? askedOfAws(words) : askedOfGcp(words);
      t.match(asked, { name: "some-1", address: "10.0.0.20", file: "fettle-some-1.sh" });
      const needs = roles.map((role) => must(roleNamed(role), role).host);
      const size = must(sizes[cloud][asked.type], asked.type);
      t.ok(asked.disk * 1e9 >= needs.reduce((sum, { diskBytes }) => sum + diskBytes, 0), `${asked.disk} GB`);
      t.ok(size.gib * 2 ** 30 >= needs.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0), asked.type);
      t.equal(size.gpu === undefined, !roles.includes("ollama"), "a GPU where there is a model server");
      // On GCP a card is attached to a machine; on AWS it belongs to the type.
      t.equal(words.includes("--accelerator"), cloud === "gcp" && roles.includes("ollama"));
    });
  }

t.test("what a cloud's command line does not take is found", async (t) => {
  const printed = launchCommand("aws", { node: "some-1", roles: ["gateway"], address: null, file: "f.sh" });
  await t.rejects(async () => askedOfAws(await wordsOf(printed, {})), "SUBNET is left");
  await t.rejects(async () => askedOfAws(await wordsOf(`${printed} --no-such x`, own)), /no-such/);
  await t.rejects(async () => askedOfAws(await wordsOf(printed.replace("Ebs={", "Ebs=["), own)), /expected at/);
  await t.rejects(wordsOf(printed.replace("'DeviceName", "DeviceName"), own), /a shell says/);
});
