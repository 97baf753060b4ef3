import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { Gpu } from "@fettle/shared/protocol/health.ts";
import { shortModelName } from "@fettle/shared/roles/model-name.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { DEADLINE_MS, type SmiReading } from "../../clients/nvidia-smi.ts";
import type { RunningModel } from "../../clients/ollama.ts";
import type { UnitState } from "../../system/units.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { runningVersion } from "./running-version.ts";
import { ollamaUse } from "./service.ts";
import { listenAddress, OLLAMA_UNIT } from "./unit-file.ts";

interface Observed {
  /** null when no model asks for a GPU, or the machine has an AMD one, which Ollama is left to. */
  readonly reading: SmiReading | null;
  /** Version of the running Ollama; null when none answers. */
  readonly version: string | null;
  /** Models that are wholly in main memory, though they are to be on the GPU, under the process that was not yet restarted for it. */
  readonly onCpu: readonly string[];
}

/** As old as health's own reading may be. */
const MAX_AGE_MS = 30_000;
/** From this version on Ollama computes on the CPU, silently, when the driver is older than its floor. */
const FLOOR_SINCE = "0.30.0";
const FLOOR = 550;
/** For compute capability 5.0 to 6.2. */
const FLOOR_OLD_CARDS = 570;
const AMD = "/dev/kfd";
const RESTARTED = "restarted-pid";

/**
 * The NVIDIA driver, when a model is to be in GPU memory. Ollama looks for GPUs once, at its start, so that one that
 * was started under a broken driver is started again, once, when the driver works.
 */
export function driver(params: OllamaParams): Resource<Observed> {
  const wanted = params.models.filter(({ minGpuPercent }) => minGpuPercent > 0).map(({ name }) => shortModelName(name));
  return define<Observed>({
    id: "ollama.driver",
    declared: wanted,
    after: ["ollama.host"],
    settleMs: 15_000,
    touches: ["unit:ollama", "ollama:"],
    service: ollamaUse(params),
    observe: (ctx, signal) => observe(ctx, wanted, listenAddress(params.listen), signal),
    diff,
    apply: async (ctx) => {
      await ctx.host.units.restart(OLLAMA_UNIT);
      ctx.kept.set(RESTARTED, await processOf(ctx, await ctx.host.units.show(OLLAMA_UNIT)));
    },
  });
}

async function observe(
  ctx: ResourceContext,
  wanted: readonly string[],
  address: string,
  signal: AbortSignal,
): Promise<Observed> {
  const { host, clients, pass } = ctx;
  if (wanted.length === 0 || (await host.files.stat(AMD)) !== null) return { reading: null, version: null, onCpu: [] };
  const reading = await clients.nvidiaSmi.read(MAX_AGE_MS, signal);
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const version = await runningVersion(ctx, unit, signal);
  const models =
    version === null
      ? []
      : await pass.once(`ollama:ps:${address}`, () => clients.ollama.running(address, signal)).catch(() => []);
  const found = onCpu(models, wanted);
  const tried = found.length > 0 && ctx.kept.get(RESTARTED) === (await processOf(ctx, unit));
  return { reading, version, onCpu: tried ? [] : found };
}

/** One restart for one process: where it did not help, the cause is another. */
async function processOf({ host }: ResourceContext, { mainPid }: UnitState): Promise<string> {
  return `${(await host.metrics.facts()).bootId}:${mainPid}`;
}

function onCpu(models: readonly RunningModel[], wanted: readonly string[]): string[] {
  const loaded = models.filter(({ name }) => wanted.includes(shortModelName(name)));
  return loaded.filter(({ size, size_vram }) => size > 0 && size_vram === 0).map(({ name }) => name);
}

function diff({ reading, version, onCpu }: Observed): Verdict {
  if (reading === null) return { kind: "in-sync" };
  switch (reading.kind) {
    case "absent":
      return { kind: "blocked", code: "ollama.driver.absent", args: {} };
    case "slow":
    case "hung":
      return { kind: "blocked", code: "ollama.driver.hung", args: { seconds: DEADLINE_MS / 1000 } };
    case "failed":
      return failed(reading);
    case "ok":
      return tooOld(reading.gpus, version) ?? seen(onCpu);
  }
}

function failed({ why, problem }: Extract<SmiReading, { kind: "failed" }>): Verdict {
  const args = { problem };
  if (why === "mismatch") return { kind: "blocked", code: "ollama.driver.mismatch", args };
  if (why === "none" || why === "lost") return { kind: "blocked", code: "ollama.driver.no-device", args };
  return { kind: "blocked", code: "ollama.driver.failed", args };
}

/** null when Ollama uses one card at least, or is not known to refuse them. */
function tooOld(gpus: readonly Gpu[], version: string | null): Verdict | null {
  if (version === null || compareVersions(version, FLOOR_SINCE) < 0) return null;
  const [gpu] = gpus;
  if (!gpu || gpus.some((one) => Number.parseInt(one.driver, 10) >= floorOf(one))) return null;
  const args = { found: gpu.driver, ollama: version, wanted: floorOf(gpu), gpu: gpu.name };
  return { kind: "blocked", code: "ollama.driver.too-old", args };
}

function floorOf({ computeCapability }: Gpu): number {
  return computeCapability !== null && Number(computeCapability) < 7 ? FLOOR_OLD_CARDS : FLOOR;
}

function seen(onCpu: readonly string[]): Verdict {
  if (onCpu.length === 0) return { kind: "in-sync" };
  const changes = onCpu.map((what) => ({ what, from: "in main memory alone", to: "in GPU memory" }));
  return { kind: "drift", changes, disturbs: "service", breaking: false, restartOnly: true };
}
