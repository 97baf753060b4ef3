import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { Disk, Health as HealthReport, PortProbe } from "@fettle/shared/protocol/health.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import type { NvidiaSmi } from "../clients/nvidia-smi.ts";
import type { Host } from "../system/host.ts";
import type { Load } from "../system/metrics.ts";
import { DiskWatch } from "./disks.ts";
import { type HealthFinding, worstOf } from "./finding.ts";
import { GpuWatch } from "./gpu.ts";
import { metricsOf } from "./metrics.ts";
import { certificateFindings, ownCertificate, skewFindings } from "./own.ts";
import { PortWatch } from "./ports.ts";
import { PressureWatch } from "./pressure.ts";

export interface HealthParts {
  readonly host: Pick<Host, "exec" | "files" | "clock" | "metrics" | "net" | "http">;
  readonly nvidiaSmi: NvidiaSmi;
  /** The peers' ports of the present roles, as far as local policy lets them be probed. */
  readonly probes: () => readonly ProbeTarget[];
  /** A CA file on this machine that GitLab's certificate is verified with beside the system's; null for none. */
  readonly caFile: () => string | null;
  /** Wall-clock ms of the end of the agent's own certificate; null before the enrolment. */
  readonly certificateExpiresAt: () => number | null;
  /** What is not well with the identity. */
  readonly identityFindings?: (() => readonly HealthFinding[]) | undefined;
  /** Positive when this machine's clock is ahead of the coordinator's. */
  readonly clockOffsetMs: () => number | null;
  /** A state, a finding or a port's result is another one than before; not called for mere numbers. */
  readonly onChange: () => void;
}

const LOAD_MS = 15_000;
const DISKS_MS = 60_000;

/** The machine's health, each part at its own pace. A part that cannot be measured is said, and measured again. */
export class Health implements Service {
  readonly id = "health";
  readonly #parts: HealthParts;
  readonly #gpu: GpuWatch;
  readonly #ports: PortWatch;
  readonly #diskWatch = new DiskWatch();
  readonly #pressure = new PressureWatch();
  #disks: readonly Disk[] = [];
  #load: Load | null = null;
  #cores = 0;
  #skewed = false;
  readonly #findings = new Map<string, readonly HealthFinding[]>();
  #said = "";
  #probeNow: AbortController = new AbortController();

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#gpu = new GpuWatch(parts.nvidiaSmi, parts.host.clock);
    this.#ports = new PortWatch(parts.host);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#pace("load", signal, () => this.#measureLoad()),
      this.#pace("disks", signal, () => this.#measureDisks()),
      this.#pace("gpu", signal, () => this.#gpu.poll(signal)),
      this.#pace("ports", signal, () => this.#probe()),
    ]);
  }

  /** The roles have changed: their peers are looked at without waiting for the pace. */
  probeNow(): void {
    this.#probeNow.abort();
  }

  /** null before the first measurement. */
  sample(): HealthReport | null {
    const load = this.#load;
    if (load === null) return null;
    const findings = this.#allFindings();
    const expiresAt = this.#parts.certificateExpiresAt();
    return {
      state: worstOf(findings),
      gpus: [...this.#gpu.gpus],
      gpuState: this.#gpu.state,
      disks: this.#disks.map((disk) => ({ ...disk })),
      ...load,
      certificates: expiresAt === null ? [] : [ownCertificate(expiresAt)],
      findings: findings.slice(0, 50).map(({ code, args }) => ({ code, args: { ...args } })),
    };
  }

  ports(): PortProbe[] {
    return [...this.#ports.probes];
  }

  /** Highest share of a graphics card in use, 0 to 1; null when that is not known. */
  gpuShare(): number | null {
    return this.#gpu.share();
  }

  /** Numbers by name, for the history. */
  metrics(): Readonly<Record<string, number>> {
    return metricsOf(this.#load, this.#disks, this.#gpu.gpus);
  }

  /** Measures again and again; `measure` returns the ms until the next time, null for never again. */
  async #pace(part: string, signal: AbortSignal, measure: () => Promise<number | null>): Promise<void> {
    const { clock } = this.#parts.host;
    while (!signal.aborted) {
      const ms = await measure().then(
        (next) => this.#measured(part, next),
        (error: unknown) => this.#failed(part, error),
      );
      this.#announce();
      if (ms === null) return;
      const woken = part === "ports" ? this.#probeNow.signal : signal;
      await clock.sleep(ms, AbortSignal.any([signal, woken])).catch(() => {});
      if (part === "ports" && woken.aborted) this.#probeNow = new AbortController();
    }
  }

  #measured(part: string, next: number | null): number | null {
    this.#findings.delete(`${part} unknown`);
    return next;
  }

  #failed(part: string, error: unknown): number {
    this.#findings.set(`${part} unknown`, [
      { code: "health.unknown", args: { what: part, problem: messageOf(error) } },
    ]);
    return DISKS_MS;
  }

  async #measureLoad(): Promise<number> {
    const { metrics } = this.#parts.host;
    if (this.#cores === 0) this.#cores = (await metrics.facts()).cores;
    this.#load = await metrics.load();
    this.#findings.set("pressure", this.#pressure.findings(this.#load, this.#cores));
    return LOAD_MS;
  }

  async #measureDisks(): Promise<number> {
    this.#disks = (await this.#parts.host.metrics.disks()).slice(0, 64);
    this.#findings.set("disks", this.#diskWatch.findings(this.#disks));
    return DISKS_MS;
  }

  async #probe(): Promise<number> {
    const caFile = this.#parts.caFile();
    const ca = caFile === null ? null : await this.#parts.host.files.readText(caFile).catch(() => null);
    return await this.#ports.poll(this.#parts.probes(), ca ?? undefined);
  }

  #allFindings(): HealthFinding[] {
    const { host, certificateExpiresAt, clockOffsetMs } = this.#parts;
    const expiresAt = certificateExpiresAt();
    const skew = skewFindings(clockOffsetMs(), this.#skewed);
    this.#skewed = skew.length > 0;
    const own = expiresAt === null ? [] : certificateFindings(expiresAt, host.clock.now());
    const identity = this.#parts.identityFindings?.() ?? [];
    return [
      ...identity,
      ...[...this.#findings.values()].flat(),
      ...this.#gpu.findings,
      ...this.#ports.findings,
      ...own,
      ...skew,
    ];
  }

  #announce(): void {
    const codes = this.#allFindings().map(({ code, args }) => `${code} ${args.mount ?? args.peer ?? ""}`);
    const results = this.#ports.probes.map(({ peer, port, result }) => `${peer} ${port} ${result}`);
    const said = JSON.stringify([this.#gpu.state, this.#load === null, codes, results]);
    if (said === this.#said) return;
    this.#said = said;
    this.#parts.onChange();
  }
}
