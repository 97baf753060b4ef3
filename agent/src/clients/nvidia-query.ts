import type { Gpu } from "@fettle/shared/protocol/health.ts";

/**
 * The fields asked for (facts: ollama.md section 9). An unknown one makes nvidia-smi print nothing else, so this is a
 * core set that every driver since 2021 knows; `compute_cap` is left out for an older one.
 */
export const FIELDS = [
  "index",
  "uuid",
  "name",
  "driver_version",
  "memory.total",
  "memory.used",
  "utilization.gpu",
  "temperature.gpu",
  "power.draw",
  "compute_cap",
] as const;
export type Field = (typeof FIELDS)[number];
/** Without these a card cannot be told from another. */
const NEEDED: readonly Field[] = ["index", "uuid", "name", "driver_version"];

export function queryArgv(fields: readonly Field[]): string[] {
  return ["nvidia-smi", `--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"];
}

/** The fields without the one that this driver does not know; null when the text says no such thing. */
export function withoutUnknown(fields: readonly Field[], text: string): readonly Field[] | null {
  const name = /Field "([a-z_.]+)" is not a valid field/.exec(text)?.[1];
  if (!fields.some((field) => field === name) || NEEDED.some((field) => field === name)) return null;
  return fields.filter((field) => field !== name);
}

const TROUBLE = /^\[?(Unknown Error|GPU requires reset|GPU is lost)\]?$/i;

/** A card that says of itself that it does not work. */
export interface GpuTrouble {
  readonly index: number;
  readonly name: string;
  readonly problem: string;
}

export interface GpuLines {
  readonly gpus: readonly Gpu[];
  readonly troubles: readonly GpuTrouble[];
}

/** What nvidia-smi printed, a card a line; lines that are none are left out. */
export function parseGpus(stdout: string, fields: readonly Field[]): GpuLines {
  const gpus: Gpu[] = [];
  const troubles: GpuTrouble[] = [];
  for (const line of stdout.split("\n")) {
    const cells = line.trim().split(", ");
    if (cells.length !== fields.length || !/^\d+$/.test(cells[0] ?? "")) continue;
    const cell = (field: Field): string => (cells[fields.indexOf(field)] ?? "").trim();
    const gpu = gpuOf(cell);
    gpus.push(gpu);
    const problem = cells.find((text) => TROUBLE.test(text.trim()));
    if (problem !== undefined) troubles.push({ index: gpu.index, name: gpu.name, problem: problem.trim() });
  }
  return { gpus, troubles };
}

function gpuOf(cell: (field: Field) => string): Gpu {
  const capability = cell("compute_cap");
  return {
    index: Number(cell("index")),
    uuid: cell("uuid").slice(0, 80),
    name: cell("name").slice(0, 120),
    driver: cell("driver_version").slice(0, 40),
    computeCapability: /^\d+\.\d+$/.test(capability) ? capability : null,
    memoryTotalMiB: numberOf(cell("memory.total")),
    memoryUsedMiB: numberOf(cell("memory.used")),
    utilisationPercent: numberOf(cell("utilization.gpu")),
    temperatureC: numberOf(cell("temperature.gpu")),
    powerW: numberOf(cell("power.draw")),
  };
}

/** null for every way of saying that there is no value: `[N/A]`, `[Not Supported]`, `[Insufficient Permissions]` … */
function numberOf(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/** Exit statuses of nvidia-smi(1). 14 still prints its data. */
export const INFOROM_CORRUPTED = 14;

export type GpuFailure = "not-loaded" | "mismatch" | "lost" | "none" | "other";

/** Why nvidia-smi failed, by its exit status and then by its words. */
export function gpuFailure(code: number | null, text: string): { readonly why: GpuFailure; readonly problem: string } {
  const line =
    text
      .split("\n")
      .find((each) => each.trim() !== "")
      ?.trim() ?? "";
  const problem = `exit status ${code ?? "none"}${line === "" ? "" : `: ${line.slice(0, 200)}`}`;
  return { why: whyOf(code, text), problem };
}

function whyOf(code: number | null, text: string): GpuFailure {
  if (code === 9 || /communicate with the NVIDIA driver/i.test(text)) return "not-loaded";
  if (code === 18 || /library version mismatch/i.test(text)) return "mismatch";
  if (code === 15 || /GPU is lost|Unable to determine the device handle/i.test(text)) return "lost";
  return code === 6 || /No devices were found/i.test(text) ? "none" : "other";
}
