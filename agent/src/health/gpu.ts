import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Gpu, Health } from "@fettle/shared/protocol/health.ts";
import type { GpuFailure } from "../clients/nvidia-query.ts";
import { DEADLINE_MS, type NvidiaSmi, type SmiReading } from "../clients/nvidia-smi.ts";
import type { Clock } from "../system/clock.ts";
import type { HealthFinding } from "./finding.ts";

/** Without persistence mode each call initialises the card anew, so not more often. */
const EVERY_MS = 30_000;
/** A machine without nvidia-smi may get one. */
const ABSENT_MS = 600_000;
const SLOW_MS = 300_000;
/** A reading older than this says nothing about now. */
const FRESH_MS = 60_000;

const FAILURES: Readonly<Record<GpuFailure, Code>> = {
  "not-loaded": "health.gpu-driver-not-loaded",
  mismatch: "health.gpu-driver-mismatch",
  lost: "health.gpu-lost",
  none: "health.gpu-none",
  other: "health.gpu-failed",
};

/** The graphics cards, as health sees them. */
export class GpuWatch {
  readonly #smi: NvidiaSmi;
  readonly #clock: Clock;
  #readAt = Number.NEGATIVE_INFINITY;
  state: Health["gpuState"] = "absent";
  gpus: readonly Gpu[] = [];
  findings: readonly HealthFinding[] = [];

  constructor(smi: NvidiaSmi, clock: Clock) {
    this.#smi = smi;
    this.#clock = clock;
  }

  /** Highest share in use of any card, 0 to 1; null when that is not known. */
  share(): number | null {
    if (this.#clock.mono() - this.#readAt > FRESH_MS) return null;
    const used = this.gpus.flatMap(({ utilisationPercent }) => utilisationPercent ?? []);
    return used.length === 0 ? null : Math.max(...used) / 100;
  }

  /** One reading; returns the ms until the next, or null when there shall be none. */
  async poll(signal: AbortSignal): Promise<number | null> {
    const reading = await this.#smi.read(0, signal).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (reading === null) return EVERY_MS;
    this.gpus = reading.kind === "ok" ? reading.gpus : [];
    this.findings = findingsOf(reading);
    this.state = reading.kind === "slow" ? "failed" : reading.kind;
    if (reading.kind === "ok") this.#readAt = this.#clock.mono();
    if (reading.kind === "hung") return null;
    return reading.kind === "absent" ? ABSENT_MS : reading.kind === "slow" ? SLOW_MS : EVERY_MS;
  }
}

function findingsOf(reading: SmiReading): HealthFinding[] {
  const seconds = DEADLINE_MS / 1000;
  switch (reading.kind) {
    case "absent":
      return [];
    case "hung":
      return [{ code: "health.gpu-hung", args: { seconds } }];
    case "slow":
      return [{ code: "health.gpu-slow", args: { seconds, minutes: SLOW_MS / 60_000 } }];
    case "failed":
      return [{ code: FAILURES[reading.why], args: { problem: reading.problem } }];
    case "ok": {
      const troubles = reading.troubles.map((args) => ({ code: "health.gpu-reset", args: { ...args } }) as const);
      return reading.inforomCorrupted ? [...troubles, { code: "health.gpu-inforom", args: {} }] : troubles;
    }
  }
}
