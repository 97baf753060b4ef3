import { lstat } from "node:fs/promises";
import type { Message } from "@jellybrick/dbus-next";
import { UnitError } from "../../units.ts";
import { unless } from "../system-error.ts";
import { type Call, Connection } from "./connection.ts";
import { isNewSystemd, managerCall, matchCall, STANDING_RULES } from "./messages.ts";
import { unitError } from "./unit-error.ts";

const CALL_MS = 25_000;

export interface BusListener {
  signal?(message: Message): void;
  /** The connection is gone: what was under way has no answer, and signals are being missed. */
  lost?(cause: Error): void;
}

/** The one connection to systemd, made when it is first needed, and again when it is next needed after it ended. */
export class Bus {
  #connection: Promise<Connection> | null = null;
  readonly #listeners = new Set<BusListener>();

  /** As sd_booted(3). */
  async available(): Promise<boolean> {
    const folder = await unless(["ENOENT", "ENOTDIR"], () => lstat("/run/systemd/system"));
    return folder?.isDirectory() ?? false;
  }

  /** The reply's body. Throws a UnitError about `unit`. */
  async call(unit: string, call: Call, timeoutMs: number = CALL_MS): Promise<readonly unknown[]> {
    try {
      const connection = await this.connect();
      return await connection.call(call, timeoutMs);
    } catch (error) {
      throw unitError(unit, error);
    }
  }

  /** Resolves when the connection stands and systemd sends its signals. */
  connect(): Promise<Connection> {
    if (this.#connection !== null) return this.#connection;
    const opening = this.#open();
    this.#connection = opening;
    opening.catch(() => this.#forget(opening));
    return opening;
  }

  /** Returns what ends it. */
  listen(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #open(): Promise<Connection> {
    if (!(await this.available())) throw new UnitError("no-systemd", "", "systemd is not this machine's first process");
    const connection = await Connection.open();
    connection.onSignal = (message) => this.#receive(connection, message);
    for (const rule of STANDING_RULES) await connection.call(matchCall("AddMatch", rule), CALL_MS);
    await connection.call(managerCall("Subscribe"), CALL_MS);
    const opened = this.#connection;
    connection.onEnd = (cause) => {
      this.#forget(opened);
      this.#tell((listener) => listener.lost?.(cause));
    };
    return connection;
  }

  #receive(connection: Connection, message: Message): void {
    // A systemd that began anew (daemon-reexec) may have dropped its subscribers and what it was asked for.
    if (isNewSystemd(message)) connection.end(new Error("systemd began anew"));
    else this.#tell((listener) => listener.signal?.(message));
  }

  #tell(what: (listener: BusListener) => void): void {
    for (const listener of [...this.#listeners]) what(listener);
  }

  #forget(connection: Promise<Connection> | null): void {
    if (this.#connection === connection) this.#connection = null;
  }
}
