import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "../../control.ts";
import { ApiError } from "../api/exchange.ts";
import type { Environment } from "../config/environment.ts";
import type { OllamaFaults } from "../faults.ts";
import type { Log } from "../log.ts";
import { type OpenModel, trainedContext } from "../models/model-details.ts";
import { showName } from "../models/model-name.ts";
import type { Hardware } from "./hardware.ts";
import { memoryOf } from "./memory.ts";
import { expiryOf, type Runner, type RunnerOptions, Slots } from "./runner.ts";
import { RunnerProcess, runnerCommand } from "./runner-process.ts";

export interface Wanted {
  model: OpenModel;
  options: RunnerOptions;
  /** ms; undefined: the runner keeps what it has, a new one gets the server's. */
  keepAlive: number | undefined;
  gone: AbortSignal;
}

interface Parts {
  environment: Environment;
  faults: Faults<OllamaFaults>;
  log: Log;
  hardware: Hardware;
  library: string | undefined;
}

const BUSY = "server busy, please try again.  maximum pending requests exceeded";
const MODELS_PER_DEVICE = 3;
const LOAD_MS = 20;

/** Which models are loaded, who waits for one, when each goes. Loads happen one after another. */
export class Scheduler {
  readonly #parts: Parts;
  readonly #loaded = new Map<string, Runner>();
  readonly #busy: { process: RunnerProcess | undefined } = { process: undefined };
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #loading = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.faults.onChange(() => this.#keepBusy());
    this.#keepBusy();
  }

  /** Longest to live first, as the real list. */
  runners(): Runner[] {
    return [...this.#loaded.values()].sort((a, b) => expiryOf(b).getTime() - expiryOf(a).getTime());
  }

  /** A runner for this model, loaded if need be, held until `release`. */
  async acquire(wanted: Wanted): Promise<Runner> {
    const ready = this.#usable(wanted);
    return ready === undefined ? this.#queued(wanted) : hold(ready, wanted);
  }

  release(runner: Runner): void {
    runner.users--;
    if (runner.users === 0) this.#rest(runner);
  }

  /** Unloads at once, or as soon as its last request is done. */
  expire(model: OpenModel): void {
    const runner = this.#loaded.get(keyOf(model));
    if (runner === undefined) return;
    runner.keepAlive = 0;
    if (runner.users === 0) this.#rest(runner);
  }

  end(): void {
    for (const runner of this.#loaded.values()) this.#drop(runner);
    this.#busy.process?.end();
  }

  async #queued(wanted: Wanted): Promise<Runner> {
    const { environment, faults } = this.#parts;
    if (faults.now.queueFull || (this.#loading && this.#waiting >= environment.maxQueue)) throw new ApiError(503, BUSY);
    this.#waiting++;
    const mine = this.#turn.then(() => this.#processed(wanted));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #processed(wanted: Wanted): Promise<Runner> {
    this.#waiting--;
    wanted.gone.throwIfAborted();
    const ready = this.#usable(wanted);
    if (ready !== undefined) return hold(ready, wanted);
    this.#loading = true;
    try {
      await this.#makeRoom(wanted);
      return hold(await this.#load(wanted), wanted);
    } finally {
      this.#loading = false;
    }
  }

  #usable(wanted: Wanted): Runner | undefined {
    const runner = this.#loaded.get(keyOf(wanted.model));
    if (runner === undefined || (runner.keepAlive === 0 && runner.users === 0)) return undefined;
    const { numCtx, others } = wanted.options;
    const nobodyAsked = numCtx === undefined && runner.options.numCtx === undefined;
    const same = nobodyAsked || this.#contextFor(wanted) === runner.context;
    return same && runner.options.others === others ? runner : undefined;
  }

  /** A model that must be loaded otherwise goes first; so does the one longest unused when there are too many. */
  async #makeRoom(wanted: Wanted): Promise<void> {
    const { environment } = this.#parts;
    const most = environment.maxLoadedModels || MODELS_PER_DEVICE;
    const same = this.#loaded.get(keyOf(wanted.model));
    const others = [...this.#loaded.values()].sort((a, b) => a.users - b.users);
    const victim = same ?? (this.#loaded.size >= most ? others[0] : undefined);
    if (victim === undefined) return;
    while (victim.users > 0 && victim.ended === undefined) await sleep(5, undefined, { signal: wanted.gone });
    this.#drop(victim);
  }

  async #load(wanted: Wanted): Promise<Runner> {
    const runner = this.#start(wanted);
    try {
      await this.#loadTime(wanted.gone, runner);
    } catch (error) {
      runner.process.end();
      throw error;
    }
    this.#loaded.set(keyOf(wanted.model), runner);
    this.#keepBusy();
    return runner;
  }

  #start(wanted: Wanted): Runner {
    const { environment, hardware, library, log, faults } = this.#parts;
    const { model } = wanted;
    const context = this.#contextFor(wanted);
    const parallel = environment.numParallel;
    const args = ["--model", model.weights?.path ?? "", "-c", `${context * parallel}`, "-np", `${parallel}`];
    const command = runnerCommand(library, args);
    if (Object.keys(model.info).length === 0)
      throw terminated("exit status 1: error loading model: invalid magic characters");
    log.info("llama_server.go:433", "starting llama-server", { cmd: ["llama-server", ...args].join(" ") });
    const runner: Runner = {
      model,
      shownAs: showName(model.stored.name),
      options: wanted.options,
      context,
      memory: memoryOf(model, context, parallel, environment.kvCacheType, hardware.gpu),
      process: new RunnerProcess(command, (why) => this.#ended(runner, why)),
      keepAlive: wanted.keepAlive ?? environment.keepAlive,
      users: 0,
      expiresAt: undefined,
      timer: undefined,
      ended: undefined,
      onEnd: new AbortController(),
      slots: new Slots(parallel),
    };
    const share = faults.now.sizeVramShare;
    if (share !== undefined) runner.memory.sizeVram = Math.floor(runner.memory.size * share);
    return runner;
  }

  /** Never longer than the model was trained for. */
  #contextFor(wanted: Wanted): number {
    const { environment, hardware } = this.#parts;
    const asked = wanted.options.numCtx ?? (environment.contextLength || hardware.defaultContext);
    return Math.min(Math.max(asked, 4), trainedContext(wanted.model) ?? Infinity);
  }

  async #loadTime(gone: AbortSignal, runner: Runner): Promise<void> {
    const { environment, faults, log } = this.#parts;
    const started = Date.now();
    const needs = faults.now.loadMs ?? LOAD_MS;
    log.info("llama_server.go:1296", "waiting for llama-server to start responding");
    const signal = AbortSignal.any([gone, runner.onEnd.signal]);
    await sleep(Math.min(needs, environment.loadTimeout), undefined, { signal }).catch(() => {});
    if (gone.aborted) {
      log.warn("llama_server.go:1301", "client connection closed before llama-server finished loading, aborting load");
      throw gone.reason;
    }
    if (runner.ended !== undefined) throw terminated(runner.ended);
    if (faults.now.loadFails !== undefined) throw new ApiError(500, faults.now.loadFails);
    if (needs > environment.loadTimeout) throw new ApiError(500, "timed out waiting for llama-server to start - ");
    log.info("llama_server.go:1362", `llama-server started in ${((Date.now() - started) / 1000).toFixed(2)} seconds`);
  }

  /** Nobody uses it: its time runs. */
  #rest(runner: Runner): void {
    clearTimeout(runner.timer);
    runner.expiresAt = undefined;
    runner.expiresAt = expiryOf(runner);
    if (runner.keepAlive === 0) this.#over(runner);
    if (runner.keepAlive === 0 || runner.keepAlive === Infinity) return;
    runner.timer = setTimeout(() => this.#over(runner), Math.min(runner.keepAlive, 2 ** 31 - 1));
    runner.timer.unref();
  }

  #over(runner: Runner): void {
    if (this.#parts.faults.now.stuckStopping !== true) this.#drop(runner);
  }

  #drop(runner: Runner): void {
    clearTimeout(runner.timer);
    runner.process.end();
    this.#ended(runner, "unloaded");
  }

  #ended(runner: Runner, why: string): void {
    runner.ended ??= why;
    runner.onEnd.abort(new Error(why));
    const key = keyOf(runner.model);
    if (this.#loaded.get(key) === runner) this.#loaded.delete(key);
  }

  /** The fault `busy`: some child works, that of a loaded model or one of its own. */
  #keepBusy(): void {
    const wanted = this.#parts.faults.now.busy === true;
    if (wanted) this.#busy.process ??= new RunnerProcess(runnerCommand(this.#parts.library, ["--busy"]), () => {});
    if (wanted) this.#busy.process?.work();
    if (wanted) return;
    this.#busy.process?.end();
    this.#busy.process = undefined;
  }
}

/** Models that share their weights share the runner. */
const keyOf = (model: OpenModel): string => model.weights?.digest ?? model.stored.digest;

function hold(runner: Runner, wanted: Wanted): Runner {
  clearTimeout(runner.timer);
  runner.users++;
  runner.expiresAt = undefined;
  if (wanted.keepAlive !== undefined) runner.keepAlive = wanted.keepAlive;
  return runner;
}

function terminated(why: string): ApiError {
  return new ApiError(500, `llama-server process has terminated: ${why}`);
}
