import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { Gpu } from "@fettle/shared/protocol/health.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { shortModelName } from "@fettle/shared/roles/model-name.ts";
import { OLLAMA_DEFAULT, type OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { DEADLINE_MS, type SmiReading } from "../../clients/nvidia-smi.ts";
import type { RunningModel } from "../../clients/ollama.ts";
import type { UnitState } from "../../system/units.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext, Verdict } from "../resource.ts";
import { bringDriver } from "./nvidia/bring.ts";
import type { Wanted } from "./nvidia/choose.ts";
import { FIRST_BOOT, type InstallView, lookForInstall, STEPS } from "./nvidia/look.ts";
import { nvidiaCards } from "./nvidia/machine.ts";
import { nextStep } from "./nvidia/next.ts";
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
  /** Ollama runs. */
  readonly isServing: boolean;
  /** The process that runs was started before the driver came. */
  readonly isUnseen: boolean;
  /** Where the driver is to be installed and does not do; else null. */
  readonly install: InstallView | null;
}

const NOTHING: Observed = { reading: null, version: null, onCpu: [], isServing: false, isUnseen: false, install: null };

/** As old as health's own reading may be. */
const MAX_AGE_MS = 30_000;
/** While a driver is brought to work, what was read before it counts no more. */
const FRESH_MS = 2_000;
/** From this version on Ollama computes on the CPU, silently, when the driver is older than its floor. */
const FLOOR_SINCE = "0.30.0";
const FLOOR = 550;
/** For compute capability 5.0 to 6.2. */
const FLOOR_OLD_CARDS = 570;
const AMD = "/dev/kfd";
const RESTARTED = "restarted-pid";
const UNSEEN = "started-before-driver";
/** Looking at the package lists takes its time, and so does a machine that goes down. */
const INSTALL_PACE = { everyMs: 30_000, lookMs: 90_000, settleMs: 120_000 };
const SETTLE_MS = 15_000;

/**
 * The NVIDIA driver, when a model is to be in GPU memory or the stack says `driver: install`. Ollama looks for GPUs once,
 * at its start, so that one that was started under a broken driver is started again, once, when the driver works.
 */
export function driver(params: OllamaParams, firstBootReboot = false): Resource<Observed> {
  const wanted = params.models.filter(({ minGpuPercent }) => minGpuPercent > 0).map(({ name }) => shortModelName(name));
  const isInstalled = params.driver === "install";
  const declared = { params, wanted, firstBootReboot };
  return define<Observed>({
    id: "ollama.driver",
    declared: isInstalled ? { wanted, driver: "install" } : wanted,
    after: ["ollama.host"],
    settleMs: SETTLE_MS,
    ...(isInstalled ? { long: true, ...INSTALL_PACE } : {}),
    touches: ["unit:ollama", "ollama:"],
    service: ollamaUse(params),
    observe: (ctx, signal) => observe(ctx, declared, signal),
    diff,
    apply: (ctx, changes, signal, reporter) => apply(ctx, declared, changes, signal, reporter),
  });
}

/** Step after step: the packages, the module, and Ollama that was started before; or a reboot that is allowed. */
async function apply(
  ctx: ResourceContext,
  declared: Declared,
  changes: readonly Change[],
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { host, clients, kept, pass } = ctx;
  const isInstalled = declared.params.driver === "install";
  if (isInstalled) kept.set(UNSEEN, await processOf(ctx, await host.units.show(OLLAMA_UNIT)));
  for (let left = changes; left.length > 0; ) {
    const step = await bringDriver(ctx, left, wantedDriver(declared.params, null), signal, reporter);
    if (step === "none") return await restart(ctx);
    if (step === "rebooting") return;
    await clients.nvidiaSmi.read(0, signal);
    for (const prefix of ["unit:ollama", "ollama:"]) pass.forget(prefix);
    const next = diff(await observe(ctx, declared, signal));
    const isOther = next.kind === "drift" && next.changes[0]?.what !== left[0]?.what;
    left = isOther ? next.changes : [];
  }
}

async function restart(ctx: ResourceContext): Promise<void> {
  await ctx.host.units.restart(OLLAMA_UNIT);
  ctx.kept.set(RESTARTED, await processOf(ctx, await ctx.host.units.show(OLLAMA_UNIT)));
}

interface Declared {
  readonly params: OllamaParams;
  /** Models that are to be in GPU memory. */
  readonly wanted: readonly string[];
  readonly firstBootReboot: boolean;
}

async function observe(ctx: ResourceContext, declared: Declared, signal: AbortSignal): Promise<Observed> {
  const { host, clients, pass, kept } = ctx;
  const { params, wanted } = declared;
  if (kept.get(FIRST_BOOT) === null) kept.set(FIRST_BOOT, (await host.metrics.facts()).bootId);
  if (!(await isAsked(ctx, declared))) return NOTHING;
  const first = await clients.nvidiaSmi.read(MAX_AGE_MS, signal);
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const version = await runningVersion(ctx, unit, signal);
  const { reading, install } = await whatIsLacking(ctx, declared, first, version, signal);
  const address = listenAddress(params.listen);
  const models =
    version === null
      ? []
      : await pass.once(`ollama:ps:${address}`, () => clients.ollama.running(address, signal)).catch(() => []);
  const process = await processOf(ctx, unit);
  const found = onCpu(models, wanted);
  const tried = found.length > 0 && kept.get(RESTARTED) === process;
  const isServing = unit.mainPid !== 0;
  const isUnseen = isServing && kept.get(UNSEEN) === process;
  return { reading, version, onCpu: tried ? [] : found, isServing, isUnseen, install };
}

/** AMD's cards Ollama is left to; and where no model asks for a card and there is none, nothing is lacking. */
async function isAsked({ host }: ResourceContext, { params, wanted }: Declared): Promise<boolean> {
  if ((await host.files.stat(AMD)) !== null) return false;
  return wanted.length > 0 || (params.driver === "install" && (await nvidiaCards(host)).length > 0);
}

async function whatIsLacking(
  ctx: ResourceContext,
  { params, firstBootReboot }: Declared,
  reading: SmiReading,
  version: string | null,
  signal: AbortSignal,
): Promise<Pick<Observed, "reading" | "install">> {
  if (params.driver !== "install") return { reading, install: null };
  if (does(reading, params, version)) return settled(ctx, reading);
  const fresh = await ctx.clients.nvidiaSmi.read(FRESH_MS, signal);
  if (does(fresh, params, version)) return settled(ctx, fresh);
  return { reading: fresh, install: await lookForInstall(ctx, wantedDriver(params, fresh), firstBootReboot) };
}

/** What was done for a driver that works now says nothing of the next time that one does not. */
function settled({ kept }: ResourceContext, reading: SmiReading): Pick<Observed, "reading" | "install"> {
  if (reading.kind === "ok") for (const key of STEPS) kept.delete(key);
  return { reading, install: null };
}

/** Nothing is to be installed: it is good enough, or hangs, which packages do not cure. */
function does(reading: SmiReading, params: OllamaParams, version: string | null): boolean {
  if (reading.kind === "slow" || reading.kind === "hung") return true;
  return reading.kind === "ok" && tooOld(reading.gpus, version ?? plannedVersion(params)) === null;
}

function plannedVersion({ version }: OllamaParams): string {
  return version === "any" ? OLLAMA_DEFAULT : version;
}

function wantedDriver(params: OllamaParams, reading: SmiReading | null): Wanted {
  const ollama = plannedVersion(params);
  const gpu = reading?.kind === "ok" ? reading.gpus[0] : undefined;
  const floor = gpu === undefined ? FLOOR : floorOf(gpu);
  return { ollama, floor: compareVersions(ollama, FLOOR_SINCE) < 0 ? 0 : floor };
}

/** One restart for one process: where it did not help, the cause is another. */
async function processOf({ host }: ResourceContext, { mainPid }: UnitState): Promise<string> {
  return `${(await host.metrics.facts()).bootId}:${mainPid}`;
}

function onCpu(models: readonly RunningModel[], wanted: readonly string[]): string[] {
  const loaded = models.filter(({ name }) => wanted.includes(shortModelName(name)));
  return loaded.filter(({ size, size_vram }) => size > 0 && size_vram === 0).map(({ name }) => name);
}

function diff({ reading, version, onCpu, isUnseen, isServing, install }: Observed): Verdict {
  if (reading === null) return { kind: "in-sync" };
  if (install !== null) return nextStep(install, isServing, foundIn(reading), problemIn(reading));
  switch (reading.kind) {
    case "absent":
      return { kind: "blocked", code: "ollama.driver.absent", args: {} };
    case "slow":
    case "hung":
      return { kind: "blocked", code: "ollama.driver.hung", args: { seconds: DEADLINE_MS / 1000 } };
    case "failed":
      return failed(reading);
    case "ok":
      return tooOld(reading.gpus, version) ?? seen(onCpu, isUnseen);
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

function seen(onCpu: readonly string[], isUnseen: boolean): Verdict {
  const loaded = onCpu.map((what) => ({ what, from: "in main memory alone", to: "in GPU memory" }));
  const started = { what: OLLAMA_UNIT, from: "started before the driver came", to: "started again" };
  const changes = isUnseen ? [started, ...loaded] : loaded;
  if (changes.length === 0) return { kind: "in-sync" };
  return { kind: "drift", changes, disturbs: "service", breaking: false, restartOnly: true };
}

function foundIn(reading: SmiReading): string {
  if (reading.kind === "ok") return reading.gpus[0]?.driver ?? "no card";
  return reading.kind === "absent" ? "none" : "one that does not work";
}

function problemIn(reading: SmiReading): string {
  if (reading.kind === "failed") return reading.problem;
  if (reading.kind === "ok") return `${foundIn(reading)} is still loaded`;
  return "its module is not loaded";
}
