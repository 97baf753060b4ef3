import type { Gpu, Health } from "@fettle/shared/protocol/health.ts";
import type { ExecResult } from "../system/exec.ts";
import type { Host } from "../system/host.ts";
import type { HealthFinding } from "./finding.ts";
import {
  FIELDS,
  type Field,
  gpuFailure,
  INFOROM_CORRUPTED,
  parseGpus,
  queryArgv,
  withoutUnknown,
} from "./gpu-query.ts";

/** Without persistence mode each call initialises the card anew, so not more often. */
const EVERY_MS = 30_000;
const DEADLINE_MS = 10_000;
/** A machine without nvidia-smi may get one. */
const ABSENT_MS = 600_000;
const SLOW_MS = 300_000;
/** A reading older than this says nothing about now. */
const FRESH_MS = 60_000;

/**
 * The graphics cards by nvidia-smi: one call at a time, killed after 10 s. A call that cannot be killed means that the
 * driver hangs in the kernel; then nothing is asked any more, since each further call would hang as well.
 */
export class GpuWatch {
  readonly #host: Pick<Host, "exec" | "files" | "clock">;
  #fields: readonly Field[] = FIELDS;
  #running = false;
  #readAt = Number.NEGATIVE_INFINITY;
  state: Health["gpuState"] = "absent";
  gpus: readonly Gpu[] = [];
  findings: readonly HealthFinding[] = [];

  constructor(host: Pick<Host, "exec" | "files" | "clock">) {
    this.#host = host;
  }

  /** Highest share in use of any card, 0 to 1; null when that is not known. */
  share(): number | null {
    if (this.#host.clock.mono() - this.#readAt > FRESH_MS) return null;
    const used = this.gpus.flatMap(({ utilisationPercent }) => utilisationPercent ?? []);
    return used.length === 0 ? null : Math.max(...used) / 100;
  }

  /** One reading; returns the ms until the next, or null when there shall be none. */
  async poll(signal: AbortSignal): Promise<number | null> {
    if (this.#running) return EVERY_MS;
    this.#running = true;
    try {
      return await this.#poll(signal);
    } finally {
      this.#running = false;
    }
  }

  async #poll(signal: AbortSignal): Promise<number | null> {
    const { exec } = this.#host;
    if ((await exec.find("nvidia-smi")) === null) {
      this.#set("absent", [], []);
      return ABSENT_MS;
    }
    const result = await exec.run(queryArgv(this.#fields), { timeoutMs: DEADLINE_MS, signal, maxBytes: 256 * 1024 });
    if (signal.aborted) return EVERY_MS;
    if (result.timedOut) return await this.#late();
    const fewer = withoutUnknown(this.#fields, result.stdout + result.stderr);
    if (fewer !== null) {
      this.#fields = fewer;
      return 0;
    }
    this.#take(result);
    return EVERY_MS;
  }

  #take({ code, stdout, stderr }: ExecResult): void {
    const { gpus, findings } = parseGpus(stdout, this.#fields);
    const corrupted = code === INFOROM_CORRUPTED;
    if ((code !== 0 && !corrupted) || gpus.length === 0) {
      this.#set("failed", [], [gpuFailure(code, `${stderr}\n${stdout}`)]);
      return;
    }
    this.#readAt = this.#host.clock.mono();
    this.#set("ok", gpus, corrupted ? [...findings, { code: "health.gpu-inforom", args: {} }] : findings);
  }

  async #late(): Promise<number | null> {
    const seconds = DEADLINE_MS / 1000;
    if (await this.#leftHanging()) {
      this.#set("hung", [], [{ code: "health.gpu-hung", args: { seconds } }]);
      return null;
    }
    this.#set("failed", [], [{ code: "health.gpu-slow", args: { seconds, minutes: SLOW_MS / 60_000 } }]);
    return SLOW_MS;
  }

  /** True when an nvidia-smi sleeps where no signal reaches it (state D). */
  async #leftHanging(): Promise<boolean> {
    const { files } = this.#host;
    for (const pid of (await files.list("/proc")) ?? []) {
      if (!/^\d+$/.test(pid)) continue;
      const stat = await files.readText(`/proc/${pid}/stat`).catch(() => null);
      if (stat !== null && /^\d+ \(nvidia-smi\) D /.test(stat)) return true;
    }
    return false;
  }

  #set(state: Health["gpuState"], gpus: readonly Gpu[], findings: readonly HealthFinding[]): void {
    this.state = state;
    this.gpus = gpus;
    this.findings = findings;
  }
}
