import type { Gpu } from "@fettle/shared/protocol/health.ts";
import type { ExecResult } from "../system/exec.ts";
import type { Host } from "../system/host.ts";
import {
  FIELDS,
  type Field,
  type GpuFailure,
  type GpuTrouble,
  gpuFailure,
  INFOROM_CORRUPTED,
  parseGpus,
  queryArgv,
  withoutUnknown,
} from "./nvidia-query.ts";

export type SmiReading =
  | { readonly kind: "absent" }
  | {
      readonly kind: "ok";
      readonly gpus: readonly Gpu[];
      readonly troubles: readonly GpuTrouble[];
      readonly inforomCorrupted: boolean;
    }
  | { readonly kind: "failed"; readonly why: GpuFailure; readonly problem: string }
  /** Killed after the deadline. */
  | { readonly kind: "slow" }
  /** It could not even be killed: the driver hangs in the kernel. */
  | { readonly kind: "hung" };

export const DEADLINE_MS = 10_000;

/**
 * The graphics cards by nvidia-smi: one call at a time whoever asks, killed after 10 s. Once a call could not be killed
 * nothing is asked any more, since each further call would hang as well.
 */
export class NvidiaSmi {
  readonly #host: Pick<Host, "exec" | "files" | "clock">;
  #fields: readonly Field[] = FIELDS;
  #running: Promise<SmiReading> | null = null;
  #last: { readonly at: number; readonly reading: SmiReading } | null = null;

  constructor(host: Pick<Host, "exec" | "files" | "clock">) {
    this.#host = host;
  }

  /** A reading that is at most so old; a call that is under way serves all who ask. The signal ends the wait alone. */
  async read(maxAgeMs: number, signal: AbortSignal): Promise<SmiReading> {
    const last = this.#last;
    if (last && (last.reading.kind === "hung" || this.#host.clock.mono() - last.at < maxAgeMs)) return last.reading;
    this.#running ??= this.#ask().finally(() => {
      this.#running = null;
    });
    return Promise.race([this.#running, rejected(signal)]);
  }

  async #ask(): Promise<SmiReading> {
    const reading = await this.#call();
    this.#last = { at: this.#host.clock.mono(), reading };
    return reading;
  }

  async #call(): Promise<SmiReading> {
    const { exec } = this.#host;
    if ((await exec.find("nvidia-smi")) === null) return { kind: "absent" };
    for (;;) {
      const result = await exec.run(queryArgv(this.#fields), { timeoutMs: DEADLINE_MS, maxBytes: 256 * 1024 });
      if (result.timedOut) return { kind: (await this.#leftHanging()) ? "hung" : "slow" };
      const fewer = withoutUnknown(this.#fields, result.stdout + result.stderr);
      if (fewer === null) return this.#readingOf(result);
      this.#fields = fewer;
    }
  }

  #readingOf({ code, stdout, stderr }: ExecResult): SmiReading {
    const { gpus, troubles } = parseGpus(stdout, this.#fields);
    const inforomCorrupted = code === INFOROM_CORRUPTED;
    if ((code !== 0 && !inforomCorrupted) || gpus.length === 0)
      return { kind: "failed", ...gpuFailure(code, `${stderr}\n${stdout}`) };
    return { kind: "ok", gpus, troubles, inforomCorrupted };
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
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
