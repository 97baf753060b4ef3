import type { Disk, Gpu } from "@fettle/shared/protocol/health.ts";
import type { Load } from "../system/metrics.ts";

const MAX_NAME = 120;

/** The measurements as numbers by name; what is not known is left out. */
export function metricsOf(load: Load | null, disks: readonly Disk[], gpus: readonly Gpu[]): Record<string, number> {
  const values: Record<string, number | null> = {};
  if (load !== null) {
    values.load1 = load.load1;
    values["memory.availableBytes"] = load.memoryAvailableBytes;
    values["memory.totalBytes"] = load.memoryTotalBytes;
  }
  for (const { mount, freeBytes, totalBytes, freeInodes } of disks) {
    values[`disk.${mount}.freeBytes`] = freeBytes;
    values[`disk.${mount}.totalBytes`] = totalBytes;
    values[`disk.${mount}.freeInodes`] = freeInodes;
  }
  for (const { index, utilisationPercent, memoryUsedMiB, temperatureC, powerW } of gpus) {
    values[`gpu.${index}.utilisationPercent`] = utilisationPercent;
    values[`gpu.${index}.memoryUsedMiB`] = memoryUsedMiB;
    values[`gpu.${index}.temperatureC`] = temperatureC;
    values[`gpu.${index}.powerW`] = powerW;
  }
  const known = Object.entries(values).filter(
    (entry): entry is [string, number] => entry[1] !== null && Number.isFinite(entry[1]) && entry[0].length <= MAX_NAME,
  );
  return Object.fromEntries(known);
}
