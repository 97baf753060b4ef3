import type { ServiceUse } from "../resources/resource.ts";
import type { Host } from "../system/host.ts";

/** Only a quiet of this length counts as "not busy" while connections stand. */
const QUIET_MS = 5_000;
/** Share of a core (or of the GPU) above which a server with connections is at work. */
const BUSY_SHARE = 0.05;
const SAMPLE_MS = 1_000;
/** The kernel counts CPU in ticks of 10 ms: over less than this they say nothing. */
const LEAST_SPAN_MS = 500;
const FRESH_MS = 100;
/** What takes longer to count is not counted. */
const COUNT_MS = 5_000;
/** Stands for "some, but they cannot be counted". */
const UNKNOWN = -1;

export interface Users {
  readonly connections: number | string;
}

interface Sample {
  /** When this was counted. */
  readonly at: number;
  readonly connections: number;
  /** The CPU time that the next one is compared with, and when it was read. */
  readonly cpu: { readonly ms: number; readonly at: number } | null;
  readonly busyAt: number;
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

  /** Counts once a second until the signal fires. */
  async run(services: () => readonly ServiceUse[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#sample(services());
      await this.#host.clock.sleep(SAMPLE_MS, signal).catch(() => undefined);
    }
  }

  /** Counts the users of one service. What cannot be counted is busy. Never rejects. */
  async count(service: ServiceUse): Promise<void> {
    const before = this.#samples.get(service.port);
    const counted = await this.#limited(this.#fromElsewhere(service));
    const connections = counted ?? UNKNOWN;
    const cpuMs = connections === 0 ? null : await this.#limited(this.#cpuOf(service));
    this.#samples.set(service.port, this.#judge(before, connections, cpuMs));
  }

  async #sample(services: readonly ServiceUse[]): Promise<void> {
    const byPort = new Map(services.map((service) => [service.port, service]));
    for (const port of this.#samples.keys()) if (!byPort.has(port)) this.#samples.delete(port);
    await Promise.all([...byPort.values()].map((service) => this.count(service)));
  }

  #judge(before: Sample | undefined, connections: number, cpuMs: number | null): Sample {
    const at = this.#host.clock.mono();
    const cpu = cpuMs === null ? null : { ms: cpuMs, at };
    if (connections === 0) return { at, connections, cpu, busyAt: Number.NEGATIVE_INFINITY };
    if (before?.cpu && cpu && at - before.cpu.at < LEAST_SPAN_MS) return { ...before, at, connections };
    const busyAt = this.#working(before?.cpu ?? null, cpu) ? at : (before?.busyAt ?? at);
    return { at, connections, cpu, busyAt };
  }

  #working(before: Sample["cpu"], now: Sample["cpu"]): boolean {
    if (before === null || now === null || now.ms < before.ms) return true;
    if (!((now.ms - before.ms) / Math.max(1, now.at - before.at) <= BUSY_SHARE)) return true;
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
    const pid = await service.mainPid(this.#host);
    if (pid === null) return null;
    const times = await Promise.all((await this.#host.proc.tree(pid)).map((one) => this.#host.proc.cpuMs(one)));
    return times.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  }

  /** null when it fails or takes too long. */
  async #limited<T>(work: Promise<T>): Promise<T | null> {
    const over = new AbortController();
    const late = this.#host.clock.sleep(COUNT_MS, over.signal).then(() => null);
    try {
      return await Promise.race([work, late]);
    } catch {
      return null;
    } finally {
      late.catch(() => undefined);
      over.abort();
    }
  }
}
