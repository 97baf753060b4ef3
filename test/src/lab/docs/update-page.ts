import assert from "node:assert/strict";
import { parse } from "yaml";
import type { BareLab, BareStep } from "../bare/bare-lab.ts";
import { allowStandIn, install, installCoordinator } from "../bare/install-steps.ts";
import { blocksOf, quotedThat } from "../bare/page.ts";
import { settled } from "../bare/settled.ts";
import { type AgentYaml, editAgentYaml } from "../fettle/agent-yaml.ts";
import { stackText } from "../fettle/stack-text.ts";
import { hostsOf } from "../steps/hosts.ts";
import { bring } from "../update/lab-releases.ts";
import { runningVersion, untilConnected, untilRecorded } from "../update/machine.ts";
import { makeKeys, makeRelease, publicKey } from "./make-release.ts";
import { Maker } from "./maker.ts";
import { byHand } from "./update-by-hand.ts";
import { refusedReleases } from "./update-refused.ts";
import { brokenOne, statesOnTheWay } from "./update-watched.ts";

const page = "update.md";
const agents = "## Update the agents";
/** Under which the agents know the coordinator, beside its address. */
export const coordinatorName = "fettle.example.com";

/** docs/update.md from its first line to its last, from machines that run a dev build. */
export const updatePage: BareStep[] = [
  {
    name: "update.md: a pair of release keys on two machines, and both public keys where releases are built",
    needed: true,
    run: ({ config }) => makeKeys(new Maker(config)),
  },
  {
    name: "update.md: a dev build on all machines says so",
    needed: true,
    async run(lab) {
      await installCoordinator(lab, ` --name ${coordinatorName}`);
      await lab.fettle.apply(stackText(lab.config));
      for (const host of hostsOf(lab)) await install(lab, host, ` --coordinator ${lab.coordinator.address}`);
      await allowStandIn(lab);
      const said = await settled(lab);
      await assertVersions(lab, quotedThat(page, "## Once: two release keys", "0.1.0 dev"));
      return said;
    },
  },
  {
    name: "update.md: a release is made, and the coordinator updated with it as install.md says",
    needed: true,
    async run(lab) {
      const releases = await makeRelease(new Maker(lab.config), "0.2.0");
      const said = await installCoordinator({ ...lab, releases });
      assert.match(said, /The coordinator (is updated from 0\.1\.0 to|of version) 0\.2\.0/);
      assert.match(await status(lab), /the coordinator has 0\.2\.0, 0\.1\.0|the coordinator has 0\.2\.0/);
      return settled(lab);
    },
  },
  {
    name: "update.md: dev builds take no update, and say so",
    async run(lab) {
      await assert.rejects(lab.fettle.cli(["update", "--wait"], 120_000), /update\.halted/);
      const said = await status(lab);
      assert.match(said, /ollama-1: No signature of the release is right .*\(update\.untrusted\)/);
      assert.match(said, /gitlab-1 .* halted/);
      assert.equal(await runningVersion(lab.ollama), "0.1.0");
      return said;
    },
  },
  {
    name: "update.md: a key in each machine's own agent.yaml, and all are updated",
    needed: true,
    run: allByOwnKey,
  },
  { name: "update.md: the coordinator is given a release without updating it; the table's commands", run: theTable },
  { name: "update.md: waiting and offline on the way, and it goes on by itself", run: statesOnTheWay },
  { name: "update.md: one machine by hand, with a release that the coordinator does not have", run: byHand },
  { name: "update.md: what an agent refuses, each with its code", run: refusedReleases },
  { name: "update.md: a broken release is taken back, and why is where the page says", run: brokenOne },
];

async function allByOwnKey(lab: BareLab): Promise<string> {
  const [block = ""] = blocksOf(page, "## Once: two release keys", "yaml");
  const key = publicKey(new Maker(lab.config), "one");
  const { policy } = parse(block.replace(/"MCow[^"]*"/, JSON.stringify(key))) as AgentYaml;
  assert.deepEqual(policy, { releaseKeys: [key] });
  for (const host of hostsOf(lab)) {
    await editAgentYaml(host, (settings) => ({ ...settings, policy: { ...settings.policy, ...policy } }));
    await untilConnected(lab, host, "0.1.0", 30_000);
  }
  const said = await lab.fettle.cli(["update", "--wait"], 600_000);
  const [shown = ""] = blocksOf(page, agents, "");
  const [typed = "", ...lines] = shown.split("\n");
  assert.equal(typed, "$ fettle update --wait");
  const printed = new Set(said.split("\n").map(squeezed));
  for (const line of lines.filter((each) => /\w/.test(each)))
    assert.ok(printed.has(squeezed(line)), `${line}\n${said}`);
  await assertVersions(lab, "0.2.0");
  await settled(lab);
  return said;
}

const squeezed = (line: string) => line.trim().replaceAll(/ +/g, " ");

/** Every row of the table but the last, in an order that makes sense. */
async function theTable(lab: BareLab): Promise<string> {
  const maker = new Maker(lab.config);
  await makeRelease(maker, "0.2.1", { signedBy: "two", more: " --agent-only" });
  assert.match(await bring(lab, maker.archive("fettle-agent", "0.2.1")), /^agent fettle-agent-0\.2\.1/);
  const one = quotedThat(page, agents, "fettle update --version").replace("0.2.0", "0.2.1");
  await typed(lab, one);
  await untilRecorded(lab.ollama, "0.2.1", "done", 120_000);
  assert.equal(await runningVersion(lab.ollama), "0.2.1");
  assert.equal(await runningVersion(lab.gateway), "0.2.0", "only the node that was named");
  assert.match(await status(lab), /the coordinator has 0\.2\.1, 0\.2\.0/);
  await typed(lab, "fettle update");
  const cancelled = await typed(lab, quotedThat(page, agents, "fettle update --cancel"));
  assert.match(cancelled, /cancelled/);
  const said = await typed(
    lab,
    `${quotedThat(page, agents, "fettle update --wait")} ${quotedThat(page, agents, "--timeout")}`,
  );
  await assertVersions(lab, "0.2.1");
  return said;
}

/** What a page says to type, on the coordinator's machine. */
async function typed({ coordinator }: BareLab, line: string): Promise<string> {
  return coordinator.run(["sh", "-c", line], { timeoutMs: 600_000 });
}

async function status(lab: BareLab): Promise<string> {
  return typed(lab, quotedThat(page, agents, "fettle update --status"));
}

/** As `fettle get nodes` shows them. */
async function assertVersions(lab: BareLab, version: string): Promise<void> {
  const said = await typed(lab, quotedThat(page, "## Once: two release keys", "fettle get nodes"));
  const shown = said
    .split("\n")
    .slice(1)
    .map((line) => line.split(/ {2,}/).at(-2));
  assert.deepEqual(shown, [version, version, version], said);
}
