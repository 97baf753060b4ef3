import type { ServiceUse } from "../resources/resource.ts";
import type { Host } from "../system/host.ts";

/** Only a quiet of this length counts as "not busy" while connections stand. */
const QUIET_MS = 5_000;
/** Share of a core (or of the GPU) above which a server with connections is at work. */
const BUSY_SHARE = 0.05;

const FRESH_MS = 100;
/** Stands for "some, but they cannot be counted". */
const UNKNOWN = -1;

export interface Users {
  readonly connections: number | string;
}

interface Sample {
  at: number;
  cpuMs: number | null;
  connections: number;
  busyAt: number;
}

/**
 * Who uses a service right now, sampled all the time and not from the drift on. Busy: established connections from
 * elsewhere while the server's children use more than 5 % of a core or of the GPU; unknown counts as busy.
 */
export class Busy {
  readonly #host: Host;
  readonly #gpuShare: () => number | null;
  readonly #samples = new Map<number, Sample>();

  constructor(host: Host, gpuShare: () => number | null) {
    this.#host = host;
    this.#gpuShare = gpuShare;
  }

  /** The users that a restart now would cut, or null; before the first count nobody is assumed. */
  of(service: ServiceUse): Users | null {
    const sample = this.#samples.get(service.port);
    if (!sample || sample.connections === 0) return null;
    if (this.#host.clock.mono() - sample.busyAt >= QUIET_MS) return null;
    return { connections: sample.connections === UNKNOWN ? "an unknown number of" : sample.connections };
  }

  /** True when the last count is of this moment. */
  isFresh(service: ServiceUse): boolean {
    const sample = this.#samples.get(service.port);
    return sample !== undefined && this.#host.clock.mono() - sample.at <= FRESH_MS;
  }

  /** One look at every service; called once a second. */
  async sample(services: readonly ServiceUse[]): Promise<void> {
    for (const port of this.#samples.keys()) if (!services.some((one) => one.port === port)) this.#samples.delete(port);
    await Promise.all(services.map((service) => this.count(service)));
  }

  /** Counts the users of one service. What cannot be counted is busy. */
  async count(service: ServiceUse): Promise<void> {
    const at = this.#host.clock.mono();
    const before = this.#samples.get(service.port);
    const connections = await this.#fromElsewhere(service).catch(() => UNKNOWN);
    if (connections === 0) {
      this.#samples.set(service.port, { at, cpuMs: null, connections, busyAt: Number.NEGATIVE_INFINITY });
      return;
    }
    const cpuMs = await this.#cpuOf(service);
    const working = this.#working(before, cpuMs, at);
    const busyAt = working ? at : (before?.busyAt ?? at);
    this.#samples.set(service.port, { at, cpuMs, connections, busyAt });
  }

  #working(before: Sample | undefined, cpuMs: number | null, at: number): boolean {
    if (cpuMs === null || before?.cpuMs == null || cpuMs < before.cpuMs) return true;
    if (!((cpuMs - before.cpuMs) / Math.max(1, at - before.at) <= BUSY_SHARE)) return true;
    const gpu = this.#gpuShare();
    return gpu !== null && gpu > BUSY_SHARE;
  }

  async #fromElsewhere(service: ServiceUse): Promise<number> {
    const inside = service.ownNetwork ? await service.mainPid(this.#host) : undefined;
    // What does not run serves nobody.
    if (inside === null) return 0;
    const connections = await this.#host.net.connections(service.port, inside);
    if (connections.length === 0) return 0;
    const own = new Set(await this.#host.net.addresses());
    return connections.filter(({ remoteAddress }) => !own.has(remoteAddress)).length;
  }

  async #cpuOf(service: ServiceUse): Promise<number | null> {
    const pid = await service.mainPid(this.#host).catch(() => null);
    if (pid === null) return null;
    const times = await Promise.all((await this.#host.proc.tree(pid)).map((one) => this.#host.proc.cpuMs(one)));
    return times.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  }
}
