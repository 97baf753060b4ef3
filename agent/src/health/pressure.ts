import type { Load } from "../system/metrics.ts";
import { bytesText, type HealthFinding } from "./finding.ts";
import { type Level, levelOf, Steady } from "./level.ts";

/** Per cent available. */
const MEMORY = { warning: 10, critical: 4, margin: 3 };
/** Free share of what the cores can bear, in per cent: at 0 the load is four times the cores. */
const LOAD = { warning: 0, critical: Number.NEGATIVE_INFINITY, margin: 25 };
const LOAD_PER_CORE = 4;
/** A peak is not a state: so many samples in a row. */
const SAMPLES = 4;

/** Memory and load, each taken as bad or good only after it has been so for a minute. */
export class PressureWatch {
  #memory: Level = "ok";
  #load: Level = "ok";
  readonly #steadyMemory = new Steady<Level>(SAMPLES);
  readonly #steadyLoad = new Steady<Level>(SAMPLES);

  findings({ load1, memoryTotalBytes, memoryAvailableBytes }: Load, cores: number): HealthFinding[] {
    const percent = memoryTotalBytes === 0 ? 100 : (100 * memoryAvailableBytes) / memoryTotalBytes;
    this.#memory = levelOf(this.#memory, percent, MEMORY);
    const bearable = cores * LOAD_PER_CORE;
    this.#load = levelOf(this.#load, bearable === 0 ? 100 : (100 * (bearable - load1)) / bearable, LOAD);
    const memory = this.#steadyMemory.take(this.#memory);
    const args = { percent: Math.floor(percent), free: bytesText(memoryAvailableBytes) };
    const found: HealthFinding[] = [];
    if (memory !== "ok") found.push({ code: memory === "critical" ? "health.memory-full" : "health.memory-low", args });
    if (this.#steadyLoad.take(this.#load) !== "ok")
      found.push({ code: "health.load-high", args: { load: load1.toFixed(1), cores } });
    return found;
  }
}
