import type { ServiceUse } from "../resources/resource.ts";
import type { Host } from "../system/host.ts";

/** Only a quiet of this length counts as "not busy" while connections stand. */
const QUIET_MS = 5_000;
/** Share of a core (or of the GPU) above which a server with connections is at work. */
const BUSY_SHARE = 0.05;
const SAMPLE_MS = 2_000;
/** A count this old still holds a repair back … */
const HOLD_MS = 1_000;
/** … but to begin one takes a count of this moment. */
const FRESH_MS = 100;
/** What takes longer to find out is unknown. */
const LIMIT_MS = 5_000;
/** Stands for "some, but they cannot be counted". */
const UNKNOWN = -1;

export interface Users {
  readonly connections: number | string;
}

/** What is known of one service; times are monotonic ms. */
interface Use {
  pid: number | null;
  /** CPU time that its processes had used; null when it is not known. */
  cpu: { readonly ms: number; readonly at: number } | null;
  /** When it was last seen at work. */
  busyAt: number;
  counted: { readonly connections: number; readonly at: number } | null;
}

/**
 * Who uses a service right now. Busy: established connections from elsewhere while the server's children use more than
 * 5 % of a core or of the GPU; unknown counts as busy. The work is sampled all the time and not from the drift on; the
 * connections, which are dear to count, when a repair is about to begin.
 */
export class Busy {
  readonly #host: Host;
  readonly #gpuShare: () => number | null;
  readonly #uses = new Map<number, Use>();

  constructor(host: Host, gpuShare: () => number | null) {
    this.#host = host;
    this.#gpuShare = gpuShare;
  }

  /** The users that a restart now would cut, as of the last second; null when there are none, or nobody has counted. */
  of(service: ServiceUse): Users | null {
    const use = this.#uses.get(service.port);
    if (!use?.counted || use.counted.connections === 0) return null;
    const now = this.#host.clock.mono();
    if (now - use.counted.at >= HOLD_MS || now - use.busyAt >= QUIET_MS) return null;
    const { connections } = use.counted;
    return { connections: connections === UNKNOWN ? "an unknown number of" : connections };
  }

  /** True when the last count is of this moment. */
  isFresh(service: ServiceUse): boolean {
    const counted = this.#uses.get(service.port)?.counted;
    return !!counted && this.#host.clock.mono() - counted.at <= FRESH_MS;
  }

  /** Looks at the work of these until the signal fires. */
  async run(services: () => readonly ServiceUse[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const byPort = new Map(services().map((service) => [service.port, service]));
      for (const port of this.#uses.keys()) if (!byPort.has(port)) this.#uses.delete(port);
      await Promise.all([...byPort.values()].map((service) => this.#sample(service)));
      await this.#host.clock.sleep(SAMPLE_MS, signal).catch(() => undefined);
    }
  }

  /** Counts the users of one service, and looks at its work. Never rejects. */
  async count(service: ServiceUse): Promise<void> {
    const use = await this.#sample(service);
    const connections = (await this.#limited(() => this.#fromElsewhere(service, use))) ?? UNKNOWN;
    use.counted = { connections, at: this.#host.clock.mono() };
  }

  async #sample(service: ServiceUse): Promise<Use> {
    const known = this.#uses.get(service.port);
    const use = known ?? { pid: null, cpu: null, busyAt: Number.NEGATIVE_INFINITY, counted: null };
    this.#uses.set(service.port, use);
    const ms = await this.#limited(() => this.#cpuOf(service, use));
    const now = ms === null ? null : { ms, at: this.#host.clock.mono() };
    if (this.#works(use.cpu, now)) use.busyAt = this.#host.clock.mono();
    use.cpu = now;
    return use;
  }

  #works(before: Use["cpu"], now: Use["cpu"]): boolean {
    if (before === null || now === null || now.ms < before.ms) return true;
    if (!((now.ms - before.ms) / Math.max(1, now.at - before.at) <= BUSY_SHARE)) return true;
    const gpu = this.#gpuShare();
    return gpu !== null && gpu > BUSY_SHARE;
  }

  async #fromElsewhere(service: ServiceUse, use: Use): Promise<number> {
    const inside = service.ownNetwork ? await this.#pidOf(service, use) : undefined;
    // What does not run serves nobody.
    if (inside === null) return 0;
    const ports = new Set([service.port, await this.#servedPort(service, use)]);
    const found = await Promise.all([...ports].map((port) => this.#host.net.connections(port, inside)));
    const connections = found.flat();
    if (connections.length === 0) return 0;
    const own = new Set(await this.#host.net.addresses());
    return connections.filter(({ remoteAddress }) => !own.has(remoteAddress)).length;
  }

  /** Before a change of its port is made, its users are still on the old one. */
  async #servedPort(service: ServiceUse, use: Use): Promise<number> {
    const pid = service.servedPort ? await this.#pidOf(service, use) : null;
    return (pid === null ? null : await service.servedPort?.(this.#host, pid)) ?? service.port;
  }

  async #cpuOf(service: ServiceUse, use: Use): Promise<number | null> {
    const pid = await this.#pidOf(service, use);
    if (pid === null) return null;
    const times = await Promise.all((await this.#host.proc.tree(pid)).map((one) => this.#host.proc.cpuMs(one)));
    return times.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  }

  /** Asked for anew only when the process is gone: a unit manager or an Engine is dear to ask every other second. */
  async #pidOf(service: ServiceUse, use: Use): Promise<number | null> {
    if (use.pid === null || (await this.#host.proc.cpuMs(use.pid)) === null)
      use.pid = await service.mainPid(this.#host);
    return use.pid;
  }

  /** null when it fails or takes too long. */
  async #limited<T>(work: () => Promise<T>): Promise<T | null> {
    const over = new AbortController();
    const late = this.#host.clock.sleep(LIMIT_MS, over.signal).then(() => null);
    late.catch(() => undefined);
    try {
      return await Promise.race([work(), late]);
    } catch {
      return null;
    } finally {
      over.abort();
    }
  }
}
