import type { Service } from "@fettle/shared/lib/service.ts";
import type { Facts } from "@fettle/shared/protocol/facts.ts";
import type { Host } from "../system/host.ts";
import type { MachineFacts } from "../system/metrics.ts";

const EVERY_MS = 60_000;

/** What the report says of the machine beside its resources; looked at again every minute. */
export class MachineFactsService implements Service {
  readonly id = "machine-facts";
  readonly #host: Host;
  readonly #changed: Array<() => void>;
  #machine: MachineFacts;
  #addresses: readonly string[];

  private constructor(host: Host, onChange: () => void, machine: MachineFacts, addresses: readonly string[]) {
    this.#host = host;
    this.#changed = [onChange];
    this.#machine = machine;
    this.#addresses = addresses;
  }

  static async of(host: Host, onChange: () => void): Promise<MachineFactsService> {
    return new MachineFactsService(host, onChange, await host.metrics.facts(), await host.net.addresses());
  }

  /** Called when something of it is another than before. */
  onChange(changed: () => void): void {
    this.#changed.push(changed);
  }

  get machine(): MachineFacts {
    return this.#machine;
  }

  facts(): Facts {
    const { hostname, os, kernel, arch, cores, memoryBytes } = this.#machine;
    return { hostname, os, kernel, arch, cores, memoryBytes, addresses: [...this.#addresses].slice(0, 64) };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#host.clock.sleep(EVERY_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.#refresh().catch(() => undefined);
    }
  }

  async #refresh(): Promise<void> {
    const before = JSON.stringify(this.facts());
    this.#machine = await this.#host.metrics.facts();
    this.#addresses = await this.#host.net.addresses();
    if (JSON.stringify(this.facts()) !== before) for (const changed of this.#changed) changed();
  }
}
