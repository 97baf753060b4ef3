import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { shortModelName } from "@fettle/shared/roles/model-name.ts";
import type { OllamaModel, OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { type ManifestAnswer, modelManifest } from "../../clients/model-registry.ts";
import type { InstalledModel, PullLine } from "../../clients/ollama.ts";
import type { Host } from "../../system/host.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext, Verdict } from "../resource.ts";
import { askServer } from "./ask-server.ts";
import { mirroredModel, viaRelay } from "./mirrored-model.ts";
import { modelsFolder, removePartials } from "./models-folder.ts";
import { pullCode } from "./pull-error.ts";
import { PullProgress } from "./pull-progress.ts";
import { listenAddress } from "./unit-file.ts";
import { Watchdog } from "./watchdog.ts";

interface Observed {
  readonly installed: InstalledModel | undefined;
  /** What the registry says of it; null when it is installed as wanted. */
  readonly manifest: ManifestAnswer | null;
  readonly freeBytes: number;
  /** The coordinator's mirror has it. */
  readonly mirrored: MirrorItem | null;
  /** This machine's policy takes models from there. */
  readonly allowed: boolean;
  /** The tag was pulled already for the digest that is pinned, and is another one. */
  readonly pulledForPin: boolean;
}

/** Between two questions to the registry about a model that is not there. */
const ASK_AGAIN_MS = 300_000;
const STALL_MS = 60_000;
const VERIFY_MS = 3_600_000;
const TRIES = 5;
/** Head-room beside the model's own bytes. */
const SPARE_BYTES = 512 * 1024 * 1024;

/** A model by its tag: in `/api/tags`, with the pinned digest when there is one. */
export function model(params: OllamaParams, wanted: OllamaModel): Resource<Observed> {
  const address = listenAddress(params.listen);
  return define<Observed>({
    id: `ollama.model[${wanted.name}]`,
    declared: { name: wanted.name, digest: wanted.digest },
    after: ["ollama.listening"],
    long: true,
    touches: ["ollama:"],
    lookMs: 30_000,
    observe: (ctx, signal) => observe(ctx, address, wanted, signal),
    diff: (observed) => diff(observed, wanted),
    apply: (ctx, changes, signal, reporter) => apply(ctx, address, wanted, changes, signal, reporter),
  });
}

async function observe(
  ctx: ResourceContext,
  address: string,
  wanted: OllamaModel,
  signal: AbortSignal,
): Promise<Observed> {
  const { clients, host, kept, pass } = ctx;
  const tags = await pass.once(`ollama:tags:${address}`, () =>
    askServer(address, signal, () => clients.ollama.tags(address, signal)),
  );
  const name = shortModelName(wanted.name);
  const installed = tags.find((one) => shortModelName(one.name) === name);
  const right = installed !== undefined && (wanted.digest === undefined || installed.digest === wanted.digest);
  const { freeBytes } = right ? { freeBytes: 0 } : await host.files.space(await modelsFolder(host));
  const mirrored = right ? null : mirroredModel(clients.mirror, wanted);
  const { allowed } = clients.mirror;
  const manifest = right ? null : await manifestOf(ctx, wanted.name, mirrored, signal);
  return { installed, manifest, freeBytes, mirrored, allowed, pulledForPin: kept.get("pulled-for") === wanted.digest };
}

/** What the mirror says of itself where the model comes from there, else the registry. */
async function manifestOf(
  ctx: ResourceContext,
  name: string,
  mirrored: MirrorItem | null,
  signal: AbortSignal,
): Promise<ManifestAnswer> {
  if (mirrored !== null && ctx.clients.mirror.allowed) return { kind: "found", bytes: mirrored.size };
  return await askRegistry(ctx, name, signal);
}

/** The registry's answer, at most once in five minutes. */
async function askRegistry(
  { host, kept }: ResourceContext,
  name: string,
  signal: AbortSignal,
): Promise<ManifestAnswer> {
  const known = JSON.parse(kept.get("manifest") ?? "null") as { at: number; answer: ManifestAnswer } | null;
  const now = host.clock.now();
  if (known && now >= known.at && now - known.at < ASK_AGAIN_MS) return known.answer;
  const answer = await modelManifest(host, name, signal);
  kept.set("manifest", JSON.stringify({ at: now, answer }));
  return answer;
}

function diff(observed: Observed, { name, digest }: OllamaModel): Verdict {
  const { installed, manifest, freeBytes, pulledForPin } = observed;
  if (manifest === null) return { kind: "in-sync" };
  const changes: Change[] = [
    { what: name, from: installed ? `digest ${installed.digest}` : null, to: digest ? `digest ${digest}` : "present" },
  ];
  if (manifest.kind === "absent")
    return { kind: "blocked", code: "ollama.model.not-found", args: { model: name }, changes };
  if (installed && pulledForPin)
    return {
      kind: "blocked",
      code: "ollama.model.digest-differs",
      args: { model: name, found: installed.digest, wanted: digest ?? "" },
      changes,
    };
  if (manifest.kind === "unknown" && observed.mirrored !== null && !observed.allowed)
    return { kind: "blocked", code: "policy.mirror", args: { what: `The model ${name}` }, changes };
  const bytes = manifest.kind === "found" ? manifest.bytes : null;
  if (bytes !== null && bytes + SPARE_BYTES > freeBytes) {
    const args = { model: name, needed: gigabytes(bytes + SPARE_BYTES), free: gigabytes(freeBytes) };
    return { kind: "blocked", code: "ollama.model.disk-full", args, changes };
  }
  return { kind: "drift", changes, disturbs: "none", breaking: false, downloadBytes: bytes };
}

/** Pulls until the line `success`; a stall or a spoiled part is given up and resumed, anything else is a code. */
async function apply(
  ctx: ResourceContext,
  address: string,
  wanted: OllamaModel,
  _changes: readonly Change[],
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { name, digest } = wanted;
  const mirrored = ctx.clients.mirror.allowed ? mirroredModel(ctx.clients.mirror, wanted) : null;
  const pull = { address, name, reporter };
  if (mirrored === null) await pullWhole(ctx, pull, await askRegistry(ctx, name, signal), signal);
  else
    await viaRelay(ctx, address, mirrored, signal, (relayed, bytes) =>
      pullWhole(ctx, { ...pull, relayed }, { kind: "found", bytes }, signal),
    );
  if (digest !== undefined) ctx.kept.set("pulled-for", digest);
}

interface Pull {
  readonly address: string;
  /** As it was declared. */
  readonly name: string;
  /** Under which a relay on this machine has it. */
  readonly relayed?: string;
  readonly reporter: Reporter;
}

async function pullWhole(
  ctx: ResourceContext,
  pull: Pull,
  manifest: ManifestAnswer,
  signal: AbortSignal,
): Promise<void> {
  const { name, reporter } = pull;
  const progress = new PullProgress(manifest.kind === "found" ? manifest.bytes : null, () => ctx.host.clock.mono());
  for (let tried = 1; ; tried += 1) {
    const problem = await pullOnce(ctx, pull, progress, signal);
    signal.throwIfAborted();
    if (problem === null) break;
    reporter.log(`${name}: ${problem}\n`);
    const code = pullCode(problem);
    const passing = code === "ollama.model.corrupt-part" || problem === STALLED;
    if (!passing || tried === TRIES) throw new FettleError(code, await argsOf(ctx.host, name, problem));
    if (code === "ollama.model.corrupt-part") await removePartials(ctx.host);
  }
}

const STALLED = "no byte came for 60 s";

/** null when it ended with `success`, else what it ended with. */
async function pullOnce(
  { clients, host }: ResourceContext,
  { address, name, relayed, reporter }: Pull,
  progress: PullProgress,
  signal: AbortSignal,
): Promise<string | null> {
  const options = { insecure: relayed !== undefined };
  const watchdog = new Watchdog(host.clock, STALL_MS);
  let done = progress.done;
  let said = "";
  try {
    const both = AbortSignal.any([signal, watchdog.signal]);
    for await (const line of clients.ollama.pull(address, relayed ?? name, both, options)) {
      if (line.status !== undefined && line.status !== said) reporter.log(`${name}: ${line.status}\n`);
      said = line.status ?? said;
      if (line.error !== undefined) return line.error;
      if (line.status === "success") return null;
      const now = progress.add(line);
      if (now) reporter.progress(now);
      if (progress.done !== done || now === null) watchdog.moved(now === null ? patienceMs(line) : STALL_MS);
      done = progress.done;
    }
    return "the answer ended before the model was whole";
  } catch (error) {
    if (signal.aborted) throw error;
    return watchdog.signal.aborted ? STALLED : error instanceof Error ? error.message : String(error);
  } finally {
    watchdog.end();
  }
}

/** After the last byte everything is read once more, without a word; given up then, it would never be checked. */
function patienceMs({ status = "" }: PullLine): number {
  return /^(verifying|writing|removing)/.test(status) ? VERIFY_MS : STALL_MS;
}

async function argsOf(host: Host, name: string, problem: string) {
  const { freeBytes } = await host.files.space(await modelsFolder(host));
  return { model: name, problem: problem.slice(0, 300), needed: "more", free: gigabytes(freeBytes) };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
