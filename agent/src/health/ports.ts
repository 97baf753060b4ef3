import type { PortProbe } from "@fettle/shared/protocol/health.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import type { Host } from "../system/host.ts";
import type { HealthFinding } from "./finding.ts";
import { Steady } from "./level.ts";
import { probePort } from "./probe.ts";

const EVERY_MS = 30_000;
/** While something is not well, so that one sees soon that it is. */
const AGAIN_MS = 5_000;
/** A finding only after so many bad looks in a row: a restart over there is not one. */
const LOOKS = 3;

/** The ports of peers that this node's roles use. */
export class PortWatch {
  readonly #host: Pick<Host, "net" | "http" | "clock">;
  readonly #steady = new Map<string, Steady<PortProbe["result"]>>();
  probes: readonly PortProbe[] = [];
  findings: readonly HealthFinding[] = [];

  constructor(host: Pick<Host, "net" | "http" | "clock">) {
    this.#host = host;
  }

  /** Looks at every target once; returns the ms until the next look. */
  async poll(targets: readonly ProbeTarget[], ca: string | undefined): Promise<number> {
    const probes = await Promise.all(targets.map((target) => probePort(this.#host, target, ca)));
    const keys = new Set(targets.map(keyOf));
    for (const key of this.#steady.keys()) if (!keys.has(key)) this.#steady.delete(key);
    this.probes = probes;
    this.findings = probes.flatMap((probe) => this.#finding(probe));
    return probes.every(({ result }) => result === "ok") ? EVERY_MS : AGAIN_MS;
  }

  #finding(probe: PortProbe): HealthFinding[] {
    const key = keyOf(probe);
    const steady = this.#steady.get(key) ?? startedWell();
    this.#steady.set(key, steady);
    const result = steady.take(probe.result);
    if (result === "ok" || probe.result === "ok") return [];
    const address = `${probe.host}:${probe.port}`;
    return [{ code: "health.port-closed", args: { service: probe.service, peer: probe.peer, address, result } }];
  }
}

function startedWell(): Steady<PortProbe["result"]> {
  const steady = new Steady<PortProbe["result"]>(LOOKS);
  steady.take("ok");
  return steady;
}

function keyOf({ peer, host, port, service }: ProbeTarget): string {
  return `${peer} ${host} ${port} ${service}`;
}
