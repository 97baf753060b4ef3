import { FettleError } from "@fettle/shared/lib/errors.ts";
import { shortModelName } from "@fettle/shared/roles/model-name.ts";
import type { OllamaModel, OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { RunningModel } from "../../clients/ollama.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { askServer } from "./ask-server.ts";
import { durationMs } from "./go-duration.ts";
import { listenAddress, OLLAMA_UNIT } from "./unit-file.ts";

interface Observed {
  readonly running: RunningModel | undefined;
  /** OLLAMA_LOAD_TIMEOUT of the running process, in ms. */
  readonly loadMs: number;
  readonly now: number;
}

const LOAD_MS = 300_000;
/**
 * Ollama gives a load up when it stands still for OLLAMA_LOAD_TIMEOUT, however long it takes; who hangs up before makes
 * it begin anew. This is only so that every wait has an end.
 */
const LONGEST_MS = 3_600_000;

/** A model in memory: in `/api/ps`, on the GPU as far as declared, with the declared context. */
export function warm(params: OllamaParams, wanted: OllamaModel): Resource<Observed> {
  const address = listenAddress(params.listen);
  const context = Number(params.env.OLLAMA_CONTEXT_LENGTH ?? 0);
  return define<Observed>({
    id: `ollama.warm[${wanted.name}]`,
    declared: { name: wanted.name, minGpuPercent: wanted.minGpuPercent, context },
    after: [`ollama.model[${wanted.name}]`, "ollama.driver"],
    long: true,
    settleMs: ({ loadMs }) => loadMs,
    touches: ["ollama:"],
    observe: (ctx, signal) => observe(ctx, address, wanted, signal),
    diff: (observed) => diff(observed, wanted, context),
    apply: async (ctx, _changes, signal, reporter) => {
      reporter.progress({ text: `loading ${wanted.name}` });
      const problem = await ctx.clients.ollama.preload(address, wanted.name, LONGEST_MS, signal);
      if (problem !== null) throw new FettleError("ollama.warm.load-failed", { model: wanted.name, problem });
    },
  });
}

async function observe(
  { clients, host, pass }: ResourceContext,
  address: string,
  wanted: OllamaModel,
  signal: AbortSignal,
): Promise<Observed> {
  const models = await pass.once(`ollama:ps:${address}`, () =>
    askServer(address, signal, () => clients.ollama.running(address, signal)),
  );
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const environ = unit.mainPid > 0 ? await host.proc.environ(unit.mainPid) : null;
  const declared = durationMs(environ?.OLLAMA_LOAD_TIMEOUT ?? "") ?? LOAD_MS;
  const name = shortModelName(wanted.name);
  const running = models.find((one) => shortModelName(one.name) === name);
  return { running, loadMs: declared <= 0 ? LONGEST_MS : Math.min(declared, LONGEST_MS), now: host.clock.now() };
}

function diff({ running, now }: Observed, { name, minGpuPercent }: OllamaModel, context: number): Verdict {
  if (!running)
    return {
      kind: "drift",
      changes: [{ what: name, from: "not loaded", to: "loaded" }],
      disturbs: "none",
      breaking: false,
    };
  if (running.expires_at && Date.parse(running.expires_at) < now)
    return { kind: "unknown", code: "agent.in-transit", args: { what: name, state: "being unloaded" } };
  const percent = running.size > 0 ? Math.floor((running.size_vram / running.size) * 100) : 100;
  if (percent < minGpuPercent)
    return {
      kind: "blocked",
      code: "ollama.warm.gpu-share",
      args: { model: name, found: percent, wanted: minGpuPercent },
    };
  if (context > 0 && running.context_length !== undefined && running.context_length < context)
    return {
      kind: "blocked",
      code: "ollama.warm.context",
      args: { model: name, found: running.context_length, wanted: context },
    };
  return { kind: "in-sync" };
}
