import { keepAlive as parseKeepAlive } from "../config/environment.ts";
import { parseDuration } from "../config/go-values.ts";
import type { Ollama } from "../context.ts";
import type { OpenModel } from "../models/model-details.ts";
import { infer, type Metrics } from "../run/inference.ts";
import type { Runner, RunnerOptions } from "../run/runner.ts";
import { ApiError, type Body, type Exchange, textIn } from "./exchange.ts";
import { cloudStatus } from "./general.ts";
import { openNamed } from "./models.ts";

/** What an inference asks for, whichever of the protocols it came by. */
export interface InferenceRequest {
  /** As written by the client; answers repeat it. */
  shown: string;
  model: OpenModel;
  prompt: string;
  options: Record<string, unknown>;
  keepAlive: number | undefined;
  /** Most tokens of the answer. */
  most: number | undefined;
}

const RELOADING = ["num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread"];

export function inferenceRequest(ollama: Ollama, body: Body, prompt: string): InferenceRequest {
  const shown = textIn(body, "model");
  refuseCloud(ollama, shown);
  const model = openNamed(ollama, shown);
  const given = typeof body.options === "object" && body.options !== null ? body.options : {};
  const options: Record<string, unknown> = { ...model.parameters, ...given };
  const most = options.num_predict ?? body.max_tokens;
  return {
    shown,
    model,
    prompt,
    options,
    keepAlive: keepAliveIn(body),
    most: typeof most === "number" && most > 0 ? most : undefined,
  };
}

/** A stand-in sends nothing anywhere: a cloud model is refused as the real one refuses it. */
function refuseCloud(ollama: Ollama, shown: string): void {
  if (!/[:-]cloud$/.test(shown)) return;
  const { disabled } = cloudStatus(ollama);
  if (disabled) throw new ApiError(403, "ollama cloud is disabled: remote inference is unavailable");
  throw new ApiError(401, "unauthorized");
}

/** Number: seconds; text: a duration; negative: for ever. undefined: not said. */
function keepAliveIn(body: Body): number | undefined {
  const value = body.keep_alive;
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value < 0 ? Infinity : value * 1000;
  if (typeof value !== "string") throw new ApiError(400, `Unsupported type: '${typeof value}'`);
  if (parseDuration(value) === undefined) throw new ApiError(400, `time: invalid duration ${JSON.stringify(value)}`);
  return parseKeepAlive(value);
}

export function runnerOptions(options: Record<string, unknown>): RunnerOptions {
  const others = RELOADING.filter((key) => options[key] !== undefined).map((key) => `${key}=${String(options[key])}`);
  const numCtx = options.num_ctx;
  return { numCtx: typeof numCtx === "number" && numCtx > 0 ? numCtx : undefined, others: others.join(" ") };
}

/** Runs `use` with the model loaded; `loadMs` is what the loading took. */
export async function withRunner<T>(
  ollama: Ollama,
  exchange: Exchange,
  asked: InferenceRequest,
  use: (runner: Runner, loadMs: number) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const runner = await ollama.scheduler.acquire({
    model: asked.model,
    options: runnerOptions(asked.options),
    keepAlive: asked.keepAlive,
    gone: exchange.gone,
  });
  try {
    return await use(runner, performance.now() - started);
  } finally {
    ollama.scheduler.release(runner);
  }
}

/** The tokens to `onToken`, then the counts. */
export async function answer(
  ollama: Ollama,
  runner: Runner,
  asked: InferenceRequest,
  gone: AbortSignal,
  onToken: (token: string) => void,
): Promise<Metrics> {
  const tokens = infer(ollama, runner, asked.prompt, asked.most, gone);
  for (;;) {
    const next = await tokens.next();
    if (next.done === true) return next.value;
    onToken(next.value);
  }
}
