import { eventsRoute } from "@fettle/shared/api/events.ts";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import type { BareLab } from "../bare/bare-lab.ts";
import type { Host } from "../host.ts";
import { until } from "../until.ts";

export interface Recorded {
  readonly state: string;
  readonly version: string;
  readonly code?: string;
  readonly reason?: string;
  readonly startedAt: number;
  readonly at: number;
}

/** What is on the machine's disk of the last update. */
export async function recorded(host: Host): Promise<Recorded | null> {
  const { code, stdout } = await host.exec(["cat", "/var/lib/fettle-agent/update.json"]);
  return code === 0 ? (JSON.parse(stdout) as Recorded) : null;
}

/** The version of the program that `current` leads to. */
export async function runningVersion(host: Host): Promise<string> {
  return (await host.run(["readlink", "/opt/fettle-agent/current"])).split("/").at(-1) ?? "";
}

export async function untilRecorded(host: Host, version: string, state: string, limitMs: number): Promise<Recorded> {
  return until(`${host.name} to have ${version} ${state}`, limitMs, async () => {
    const found = await recorded(host).catch(() => null);
    return found?.version === version && found.state === state ? found : undefined;
  });
}

/** Its agent is connected and runs this version, as the coordinator sees it. */
export async function untilConnected(lab: BareLab, host: Host, version: string, limitMs: number): Promise<void> {
  await until(`${host.name} connected with ${version}`, limitMs, async () => {
    const { nodes } = await lab.fettle.call(nodesRoute, { query: {} });
    const node = nodes.find((one) => one.node === host.name);
    return (node?.connection === "connected" && node.version === version) || undefined;
  });
}

/** The coordinator's event of this kind about this node and version. */
export async function eventOf(lab: BareLab, host: Host, kind: string, version: string): Promise<string> {
  return until(`an event ${kind} of ${host.name}`, 30_000, async () => {
    const { events } = await lab.fettle.call(eventsRoute, { query: { limit: 1000 } });
    return events.find((one) => one.kind === kind && one.node === host.name && one.text.includes(version))?.text;
  });
}
