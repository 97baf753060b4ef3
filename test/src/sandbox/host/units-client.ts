import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { type TransientUnit, UnitError, type UnitState, type Units } from "@fettle/agent/system/units.ts";
import type { UnitAnswer, UnitCall } from "../machine/protocol.ts";

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** `Units` by the sandbox machine's unit manager; connects again when the machine was restarted. */
export class UnitsClient implements Units {
  readonly #path: string;
  #socket: Socket | null = null;
  #next = 1;
  readonly #pending = new Map<number, Pending>();
  readonly #watchers = new Set<(unit: string) => void>();

  constructor(path: string) {
    this.#path = path;
  }

  available(): Promise<boolean> {
    return this.#call({ method: "show", unit: "none.service" }).then(
      () => true,
      () => false,
    );
  }

  async show(unit: string): Promise<UnitState> {
    return (await this.#call({ method: "show", unit })) as UnitState;
  }

  async start(unit: string): Promise<void> {
    await this.#call({ method: "start", unit });
  }

  async stop(unit: string): Promise<void> {
    await this.#call({ method: "stop", unit });
  }

  async restart(unit: string): Promise<void> {
    await this.#call({ method: "restart", unit });
  }

  async enable(unit: string): Promise<void> {
    await this.#call({ method: "enable", unit });
  }

  async daemonReload(): Promise<void> {
    await this.#call({ method: "daemonReload" });
  }

  async runTransient(transient: TransientUnit): Promise<void> {
    await this.#call({ method: "runTransient", transient });
  }

  async resetFailed(unit: string): Promise<void> {
    await this.#call({ method: "resetFailed", unit });
  }

  async journal(unit: string, lines: number): Promise<readonly string[]> {
    return (await this.#call({ method: "journal", unit, lines })) as readonly string[];
  }

  watch(names: readonly string[], onChange: (unit: string) => void): () => void {
    const heard = (unit: string) => {
      if (names.includes(unit)) onChange(unit);
    };
    this.#watchers.add(heard);
    this.#connected().catch(() => undefined);
    return () => void this.#watchers.delete(heard);
  }

  async #call(call: UnitCall): Promise<unknown> {
    const socket = this.#connected();
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      socket.then((open) => open.write(`${JSON.stringify({ id, call })}\n`), reject);
    });
  }

  async #connected(): Promise<Socket> {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    const socket = connect(this.#path);
    this.#socket = socket;
    socket.unref();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#lost());
    // What readline passes on of the socket's errors has been taken by the socket itself.
    createInterface({ input: socket })
      .on("error", () => undefined)
      .on("line", (line) => this.#heard(JSON.parse(line) as UnitAnswer));
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("close", () => reject(new Error("the machine's unit manager does not answer")));
    });
    return socket;
  }

  #heard(answer: UnitAnswer): void {
    if ("event" in answer) {
      for (const watcher of this.#watchers) watcher(answer.event);
      return;
    }
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ("error" in answer) pending?.reject(errorOf(answer));
    else pending?.resolve(answer.result);
  }

  #lost(): void {
    this.#socket = null;
    for (const pending of this.#pending.values()) pending.reject(new Error("the machine's unit manager went away"));
    this.#pending.clear();
  }
}

function errorOf({ error, refusal }: Extract<UnitAnswer, { error: string }>): Error {
  return refusal ? new UnitError(refusal.code, refusal.unit, refusal.reason) : new Error(error);
}
