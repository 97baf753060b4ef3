import { spreadOf, table } from "../../bench/statistics.ts";
import type { Host } from "../host.ts";
import { hostsOf } from "../steps/hosts.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { allowStandIn, install } from "./install-steps.ts";
import { settled } from "./settled.ts";
import { uninstall } from "./uninstall-steps.ts";

const times = 20;

/** The start of the line to the green row, often enough for a p95. */
export const manyInstalls: BareStep[] = [
  {
    name: `uninstalled and installed again ${times} times on each machine`,
    async run(lab) {
      const rows = await Promise.all(hostsOf(lab).map((host) => repeatedly(lab, host)));
      await allowStandIn(lab);
      const said = await settled(lab);
      return `${table([["machine", "times", "to green", "p95", "download", "p95"], ...rows])}\n${said}`;
    },
  },
];

/** The three machines at the same time, as somebody does who pastes three lines. */
async function repeatedly(lab: BareLab, host: Host): Promise<string[]> {
  const taken: number[] = [];
  const downloads: number[] = [];
  for (let time = 0; time < times; time += 1) {
    await uninstall(host);
    const { own, download } = await install(lab, host);
    taken.push(own);
    downloads.push(download);
  }
  const { median, p95 } = spreadOf(taken);
  const download = spreadOf(downloads);
  const spreads = [median, p95, download.median, download.p95];
  return [host.name, String(times), ...spreads.map((seconds) => `${seconds.toFixed(1)} s`)];
}
