import assert from "node:assert/strict";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { agentUnit } from "../fettle/agent.ts";
import { editAgentYaml } from "../fettle/agent-yaml.ts";
import { stackText } from "../fettle/stack-text.ts";
import type { Host } from "../host.ts";
import { copyIn } from "../host-files.ts";
import { hostsOf } from "../steps/hosts.ts";
import { timed } from "../stopwatch.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { blockThat } from "./page.ts";
import { paste } from "./paste.ts";
import { arch } from "./releases.ts";
import { settled } from "./settled.ts";

/** Seconds from the beginning of the line to the green row, the download apart. */
const limit = 30;

export const arrival: BareStep[] = [
  {
    name: "the machines are bare: no Fettle, no Ollama, no user of theirs",
    needed: true,
    async run(lab) {
      for (const host of [...hostsOf(lab), lab.coordinator]) {
        const look = "command -v fettle fettle-agent ollama; id ollama; id fettle; ls -d /opt/fettle* /etc/fettle";
        assert.equal((await host.exec(["sh", "-c", `(${look}) 2>/dev/null; true`])).stdout, "", host.name);
      }
    },
  },
  {
    name: "the coordinator by the documented line, and the stack by `fettle apply`",
    needed: true,
    async run(lab) {
      const { value: said, seconds } = await timed(() => installCoordinator(lab));
      await lab.fettle.apply(stackText(lab.config));
      assert.match(said, /runs and answers at https:/);
      return `${seconds.toFixed(1)} s`;
    },
  },
];

export const agents: BareStep[] = [
  {
    name: `each agent by nothing but its printed line; its row is green within ${limit} s`,
    needed: true,
    async run(lab) {
      const lines = await Promise.all(hostsOf(lab).map((host) => install(lab, host)));
      return lines
        .map(({ host, own, download }) => `${host.name}: ${own.toFixed(1)} s and ${download} s of download`)
        .join("\n");
    },
  },
  {
    name: "from bare machines to in sync",
    needed: true,
    async run(lab) {
      await allowStandIn(lab);
      return settled(lab);
    },
  },
  {
    name: "the printed line run again changes nothing: the token is used, the agent is there",
    async run(lab) {
      const before = await lab.ollama.mainPid(agentUnit);
      const again = await lab.ollama.exec(["sh", "-c", lab.lines.get("ollama-1") ?? "false"], { timeoutMs: 60_000 });
      assert.equal(again.code, 0, again.stderr);
      assert.match(again.stdout, /nothing to do/);
      assert.equal(await lab.ollama.mainPid(agentUnit), before);
    },
  },
];

/** What docs/install.md says: the archive copied there, the script taken out of it, and one line as root, with options behind it. */
export async function installCoordinator({ coordinator, releases }: BareLab, options = ""): Promise<string> {
  for (const file of [releases.coordinator, `${releases.coordinator}.sha256`]) await copyIn(coordinator, file, "/root");
  const heading = "## The coordinator";
  const blocks = [
    blockThat("install.md", heading, "tar -xzOf fettle-coordinator-"),
    `${blockThat("install.md", heading, "sudo sh install-coordinator.sh").trimEnd()}${options}`,
  ].map((block) => named(block, releases));
  return coordinator.run(["sh", "-c", ["set -e", "cd /root", ...blocks].join("\n")], { timeoutMs: 120_000 });
}

/** The page's archive and version are those of an example. */
export function named(block: string, { version, arch }: BareLab["releases"]): string {
  return block
    .replaceAll(/\d+\.\d+\.\d+-linux-\w+(?=\.tar)/g, `${version}-linux-${arch}`)
    .replaceAll(/ \d+\.\d+\.\d+\//g, ` ${version}/`);
}

export type Installed = { host: Host; own: number; download: number; said: string };

/** Pastes the line and looks at the row at its end: the script itself waits until the coordinator has seen the agent. */
export async function install(lab: BareLab, host: Host, options = ""): Promise<Installed> {
  const { value: said, seconds } = await timed(() => paste(lab, host, options));
  const { nodes } = await lab.fettle.call(nodesRoute, { query: {} });
  assert.equal(nodes.find(({ node }) => node === host.name)?.connection, "connected", said);
  const download = Number(/([\d.]+) s for the download/.exec(said)?.[1] ?? Number.NaN);
  const own = seconds - download;
  assert.ok(own <= limit, `${host.name} took ${own.toFixed(1)} s`);
  return { host, own, download, said };
}

/** The stand-in's archive sums to something else than the vendor's, so the machine's own policy has to name it. */
export function allowStandIn({ ollama, ollamaRelease }: BareLab): Promise<void> {
  const { version, sha256 } = ollamaRelease;
  const archives = { [version]: { [arch]: sha256 } };
  return editAgentYaml(ollama, ({ policy, ...rest }) => {
    return { ...rest, policy: { ...policy, ollama: { ...(policy?.ollama as object | undefined), archives } } };
  });
}
