/** Starting and ending containers. What is asked for and what happens by itself meet here, and nowhere else. */
import { type Clock, stamp, ZERO_TIME } from "../clock.ts";
import { badRequest, conflict, EngineError, internal } from "../errors.ts";
import type { Events } from "../events.ts";
import type { EngineFaults } from "../faults.ts";
import type { ImageStore } from "../images/store.ts";
import { type Common, mainCommand } from "./command.ts";
import { ContainerLog } from "./log.ts";
import { takePorts } from "./ports.ts";
import { gone, sendSignal, signalGroup, startOf, startProcess } from "./process.ts";
import { type ContainerRecord, isUp } from "./record.ts";
import { nextWait, restarts } from "./restart.ts";
import { Runs } from "./runs.ts";
import { parseSignal, signalNumber } from "./signals.ts";
import type { ContainerStore } from "./store.ts";

export interface LifecycleContext {
  containers: ContainerStore;
  images: ImageStore;
  events: Events;
  clock: Clock;
  common: Common;
  faults: () => Partial<EngineFaults>;
  /** What the Engine calls this machine's architecture for images. */
  architecture: () => string;
}

const SHUTDOWN_S = 10;
/** The exit code of a process that SIGKILL ended. */
const KILLED = 137;

export class Lifecycle {
  readonly #context: LifecycleContext;
  readonly #logs = new Map<string, ContainerLog>();
  readonly runs = new Runs();

  constructor(context: LifecycleContext) {
    this.#context = context;
  }

  log({ id }: ContainerRecord): ContainerLog {
    const known = this.#logs.get(id) ?? new ContainerLog(this.#context.containers.logFile(id), this.#context.clock);
    this.#logs.set(id, known);
    return known;
  }

  tell(container: ContainerRecord, action: string, more: Record<string, string> = {}): void {
    const { config, name, id } = container;
    this.#context.events.emit("container", action, id, { ...config.Labels, ...more, image: config.Image, name });
  }

  /** False: it runs already. */
  async start(container: ContainerRecord): Promise<boolean> {
    return await this.runs.alone(container.id, async () => {
      if (container.state.status === "paused") {
        throw conflict("cannot start a paused container, try unpause instead");
      }
      if (isUp(container)) return false;
      container.manuallyStopped = false;
      container.restartCount = 0;
      this.runs.of(container.id).waitMs = 0;
      await this.#run(container);
      return true;
    });
  }

  /** False: it does not run. `seconds` of patience; below zero without end. */
  async stop(container: ContainerRecord, seconds: number, signal: string): Promise<boolean> {
    return await this.runs.alone(container.id, async () => {
      if (!isUp(container)) return false;
      container.manuallyStopped = true;
      await this.#end(container, parseSignal(signal), seconds);
      this.tell(container, "stop");
      return true;
    });
  }

  async restart(container: ContainerRecord, seconds: number, signal: string): Promise<void> {
    await this.stop(container, seconds, signal);
    await this.start(container);
    this.tell(container, "restart");
  }

  async pause(container: ContainerRecord): Promise<void> {
    const { id, state } = container;
    if (state.status === "paused") throw conflict(`Container ${id} is already paused`);
    if (state.status !== "running") throw conflict(`Container ${id} is not running`);
    signalGroup(state.pid, "SIGSTOP");
    this.#become(container, "paused", "pause");
  }

  async unpause(container: ContainerRecord): Promise<void> {
    const { id, state } = container;
    if (state.status !== "paused") throw conflict(`Container ${id} is not paused`);
    signalGroup(state.pid, "SIGCONT");
    this.#become(container, "running", "unpause");
  }

  #become(container: ContainerRecord, status: "running" | "paused", action: string): void {
    container.state.status = status;
    this.#context.containers.save(container);
    this.tell(container, action);
  }

  async kill(container: ContainerRecord, name: string, stopSignal: string): Promise<void> {
    const signal = parseSignal(name);
    if (!isUp(container))
      throw conflict(`cannot kill container: ${container.name}: container ${container.id} is not running`);
    if (signal === "SIGKILL" || signal === parseSignal(stopSignal)) {
      container.manuallyStopped = true;
      this.runs.of(container.id).stopping = true;
    }
    this.tell(container, "kill", { signal: String(signalNumber(signal)) });
    this.#signal(container, signal);
    if (signal === "SIGKILL") await this.runs.of(container.id).handled;
  }

  async remove(container: ContainerRecord, force: boolean): Promise<void> {
    await this.runs.alone(container.id, async () => {
      if (isUp(container)) {
        if (!force) {
          const reason = `container is ${container.state.status}: stop the container before removing or force remove`;
          throw conflict(`cannot remove container "${container.name}": ${reason}`);
        }
        await this.#end(container, "SIGKILL", -1);
      }
      this.#forget(container);
    });
  }

  /**
   * Containers that the last engine left start again as their policies say. As with the real Engine, one whose process
   * has outlived a killed daemon is stopped first, and counts from then on as stopped by a person.
   */
  async recover(): Promise<void> {
    const { containers } = this.#context;
    await Promise.all(
      containers
        .all()
        .filter(isUp)
        .map((one) => this.#takeBack(one)),
    );
    // One that cannot start keeps its error for whoever inspects it; the others are none the worse.
    const startedBefore = containers.all().filter(({ state }) => state.startedAt !== ZERO_TIME);
    for (const one of startedBefore.filter(restarts)) await this.#run(one).catch(() => undefined);
  }

  async #takeBack(container: ContainerRecord): Promise<void> {
    const { pid, pidStart } = container.state;
    const alive = pid > 0 && startOf(pid) === pidStart;
    if (!alive) {
      this.#written(container, KILLED);
      return;
    }
    container.manuallyStopped = true;
    sendSignal(pid, parseSignal(container.config.StopSignal ?? "SIGTERM"));
    const heard = await gone(pid, pidStart, SHUTDOWN_S);
    signalGroup(pid, "SIGKILL");
    this.#written(container, heard ? 0 : KILLED);
  }

  /** The daemon's own end: containers end, and are not taken for stopped by a person. */
  async shutdown(): Promise<void> {
    const up = this.#context.containers.all().filter(isUp);
    await Promise.all(up.map((one) => this.#end(one, parseSignal(one.config.StopSignal ?? "SIGTERM"), SHUTDOWN_S)));
  }

  async #run(container: ContainerRecord): Promise<void> {
    try {
      await this.#spawn(container);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const exitCode = container.state.exitCode || 128;
      Object.assign(container.state, { status: unstarted(container), error: text, pid: 0, exitCode });
      container.ports = {};
      this.#context.containers.save(container);
      throw error;
    }
    this.#context.events.emit("network", "connect", "bridge", {
      container: container.id,
      name: "bridge",
      type: "bridge",
    });
    this.tell(container, "start");
  }

  async #spawn(container: ContainerRecord): Promise<void> {
    const { containers, images, clock, common, faults, architecture } = this.#context;
    const { startError } = faults();
    if (startError !== undefined) throw internal(startError);
    const image = images.find(container.imageId);
    if (image === undefined) throw new EngineError(404, `No such image: ${container.imageId}`);
    container.ports = await takePorts(container, containers.all().filter(isUp));
    const foreign = (image.definition.architecture ?? architecture()) !== architecture();
    const command = foreign ? foreignProgram(container) : mainCommand(container, image.definition, common);
    if (command === undefined) throw noProgram(container);
    const run = this.runs.of(container.id);
    run.stopping = false;
    run.startedMs = clock();
    const process = await startProcess(command, this.log(container));
    run.process = process;
    run.handled = process.exited.then((code) => this.#exited(container, code));
    Object.assign(container.state, {
      status: "running",
      pid: process.pid,
      pidStart: process.pidStart,
      exitCode: 0,
      error: "",
      oomKilled: false,
      startedAt: stamp(clock()),
    });
    containers.save(container);
  }

  #exited(container: ContainerRecord, exitCode: number): void {
    const run = this.runs.of(container.id);
    run.process = undefined;
    const ranMs = this.#context.clock() - run.startedMs;
    this.#written(container, exitCode);
    const execDuration = String(Math.floor(ranMs / 1000));
    this.tell(container, "die", { exitCode: String(exitCode), execDuration });
    this.#context.events.emit("network", "disconnect", "bridge", {
      container: container.id,
      name: "bridge",
      type: "bridge",
    });
    this.runs.tell(container.id, ["next-exit"], exitCode);
    if (!run.stopping && restarts(container)) this.#scheduleRestart(container, ranMs);
    else this.#settled(container);
  }

  #scheduleRestart(container: ContainerRecord, ranMs: number): void {
    const run = this.runs.of(container.id);
    container.restartCount += 1;
    container.state.status = "restarting";
    this.#context.containers.save(container);
    run.waitMs = nextWait(run.waitMs, ranMs);
    run.restartTimer = setTimeout(() => {
      run.restartTimer = undefined;
      this.runs
        .alone(container.id, async () => {
          if (container.state.status === "restarting") await this.#run(container);
        })
        .catch(() => this.#settled(container));
    }, run.waitMs);
  }

  #settled(container: ContainerRecord): void {
    this.runs.tell(container.id, ["stopped"], container.state.exitCode);
    if (container.host.AutoRemove) this.#forget(container);
  }

  #written(container: ContainerRecord, exitCode: number): void {
    Object.assign(container.state, { status: "exited", pid: 0, pidStart: "", exitCode });
    container.state.finishedAt = stamp(this.#context.clock());
    container.ports = {};
    this.#context.containers.save(container);
  }

  async #end(container: ContainerRecord, signal: NodeJS.Signals, seconds: number): Promise<void> {
    const run = this.runs.of(container.id);
    run.stopping = true;
    if (run.restartTimer !== undefined) {
      clearTimeout(run.restartTimer);
      run.restartTimer = undefined;
      container.state.status = "exited";
      this.#settled(container);
    }
    if (run.process === undefined) {
      this.#saveIfThere(container);
      return;
    }
    this.tell(container, "kill", { signal: String(signalNumber(signal)) });
    this.#signal(container, signal);
    if (!(await within(run.handled, seconds))) {
      this.tell(container, "kill", { signal: "9" });
      this.#signal(container, "SIGKILL");
      await run.handled;
    }
    this.#saveIfThere(container);
  }

  /** One that is paused would hear of it only later, so it goes on. */
  #signal(container: ContainerRecord, signal: NodeJS.Signals): void {
    const { state } = container;
    if (state.pid <= 0) return;
    if (state.status === "paused") {
      signalGroup(state.pid, "SIGCONT");
      this.#become(container, "running", "unpause");
    }
    if (signal === "SIGKILL") signalGroup(state.pid, signal);
    else sendSignal(state.pid, signal);
  }

  #forget(container: ContainerRecord): void {
    const { containers } = this.#context;
    if (!containers.has(container.id)) return;
    containers.delete(container.id);
    this.#logs.delete(container.id);
    this.tell(container, "destroy");
    this.runs.tell(container.id, ["removed", "stopped", "next-exit"], container.state.exitCode);
    this.runs.forget(container.id);
  }

  #saveIfThere(container: ContainerRecord): void {
    if (this.#context.containers.has(container.id)) this.#context.containers.save(container);
  }
}

/** One that has never run stays `created` when its start fails. */
function unstarted({ state }: ContainerRecord): "created" | "exited" {
  return state.status === "created" ? "created" : "exited";
}

function noProgram(container: ContainerRecord): EngineError {
  container.state.exitCode = 127;
  const text = `exec: "${container.config.Cmd[0]}": executable file not found in $PATH: unknown`;
  return badRequest(
    `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${text}`,
  );
}

/** What an image of another architecture does: it starts, says so and ends. */
function foreignProgram({ config }: ContainerRecord): { argv: [string, ...string[]]; env: Record<string, string> } {
  const text = `exec ${config.Cmd[0]}: exec format error`;
  return { argv: ["/bin/sh", "-c", 'printf "%s\\n" "$TEXT" >&2; exit 255'], env: { TEXT: text } };
}

async function within(done: Promise<void>, seconds: number): Promise<boolean> {
  if (seconds < 0) {
    await done;
    return true;
  }
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), seconds * 1000);
  const first = await Promise.race([done.then(() => true), promise]);
  clearTimeout(timer);
  return first;
}
