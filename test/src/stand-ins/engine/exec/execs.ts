/** Commands run beside a container's process, in its environment. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Writable } from "node:stream";
import { type Common, execCommand } from "../containers/command.ts";
import type { Lifecycle } from "../containers/lifecycle.ts";
import type { Stream } from "../containers/log.ts";
import { signalGroup } from "../containers/process.ts";
import type { ContainerRecord } from "../containers/record.ts";
import type { ContainerStore } from "../containers/store.ts";
import { badRequest, conflict, notFound } from "../errors.ts";
import type { Events } from "../events.ts";
import { newId } from "../ids.ts";
import type { ImageStore } from "../images/store.ts";
import { type Json, texts } from "../json.ts";

export interface Exec {
  id: string;
  containerId: string;
  cmd: string[];
  env: string[];
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  running: boolean;
  started: boolean;
  exitCode: number | null;
  pid: number;
}

export interface ExecContext {
  containers: ContainerStore;
  images: ImageStore;
  lifecycle: Lifecycle;
  common: Common;
}

/** Where an exec's output goes, and where its input comes from. */
export interface Attached {
  output: (stream: Stream, data: Buffer) => void;
  input: (stdin: Writable) => void;
}

const NOT_FOUND = 127;

export class Execs {
  readonly #context: ExecContext;
  readonly #execs = new Map<string, Exec>();

  constructor(context: ExecContext, events: Events) {
    this.#context = context;
    // What was executed in a container dies with its first process.
    events.listen(({ Action, Actor }) => {
      if (Action !== "die") return;
      for (const { containerId, running, pid } of this.#execs.values()) {
        if (containerId === Actor.ID && running) signalGroup(pid, "SIGKILL");
      }
    });
  }

  create(container: ContainerRecord, body: Json): Exec {
    refuseUnlessRunning(container);
    const cmd = texts(body.Cmd);
    if (cmd.length === 0) throw badRequest("No exec command specified");
    const exec: Exec = {
      id: newId(),
      containerId: container.id,
      cmd,
      env: texts(body.Env),
      tty: body.Tty === true,
      stdin: body.AttachStdin === true,
      stdout: body.AttachStdout === true,
      stderr: body.AttachStderr === true,
      running: false,
      started: false,
      exitCode: null,
      pid: 0,
    };
    this.#execs.set(exec.id, exec);
    this.#context.lifecycle.tell(container, `exec_create: ${cmd.join(" ")}`, { execID: exec.id });
    return exec;
  }

  get(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
    return exec;
  }

  /** Execs of a container that run now. */
  of(containerId: string): string[] {
    return [...this.#execs.values()]
      .filter((one) => one.containerId === containerId && one.running)
      .map(({ id }) => id);
  }

  /** Refuses a start that cannot be; then nothing has been sent yet. */
  prepare(id: string): Exec {
    const exec = this.get(id);
    refuseUnlessRunning(this.#context.containers.get(exec.containerId));
    if (exec.started) throw conflict(`exec command ${id} has already run`);
    exec.started = true;
    return exec;
  }

  /** Returns the text of what kept it from starting, or undefined when it has run to its end. */
  async run(exec: Exec, attached: Attached): Promise<string | undefined> {
    const { containers, images, lifecycle, common } = this.#context;
    const container = containers.get(exec.containerId);
    lifecycle.tell(container, `exec_start: ${exec.cmd.join(" ")}`, { execID: exec.id });
    const image = images.get(container.imageId).definition;
    const command = execCommand(container, image, common, exec.cmd, exec.env);
    if (command === undefined) {
      exec.exitCode = NOT_FOUND;
      const text = `exec: "${exec.cmd[0]}": executable file not found in $PATH`;
      return `OCI runtime exec failed: exec failed: unable to start container process: ${text}: unknown`;
    }
    const [file, ...args] = command.argv;
    const child = spawn(file, args, { env: command.env, detached: true });
    await once(child, "spawn");
    exec.running = true;
    exec.pid = child.pid ?? 0;
    child.stdin.on("error", () => child.stdin.destroy());
    if (exec.stdin) attached.input(child.stdin);
    else child.stdin.end();
    if (exec.stdout) child.stdout.on("data", (data: Buffer) => attached.output("stdout", data));
    else child.stdout.resume();
    if (exec.stderr) child.stderr.on("data", (data: Buffer) => attached.output("stderr", data));
    else child.stderr.resume();
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    exec.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    exec.running = false;
    lifecycle.tell(container, "exec_die", { execID: exec.id, exitCode: String(exec.exitCode) });
    return undefined;
  }
}

export function inspectedExec(exec: Exec): Json {
  const [entrypoint = "", ...args] = exec.cmd;
  return {
    ID: exec.id,
    Running: exec.running,
    ExitCode: exec.exitCode,
    ProcessConfig: { tty: exec.tty, entrypoint, arguments: args, privileged: false },
    OpenStdin: exec.stdin,
    OpenStderr: exec.stderr,
    OpenStdout: exec.stdout,
    CanRemove: false,
    ContainerID: exec.containerId,
    DetachKeys: "",
    Pid: exec.pid,
  };
}

function refuseUnlessRunning({ id, state }: ContainerRecord): void {
  if (state.status === "restarting") {
    throw conflict(`Container ${id} is restarting, wait until the container is running`);
  }
  if (state.status === "paused") throw conflict(`Container ${id} is paused, unpause the container before exec`);
  if (state.status !== "running") throw conflict(`container ${id} is not running`);
}
