import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import type { Message } from "@jellybrick/dbus-next";
import type { Bus } from "./bus.ts";
import type { Connection } from "./connection.ts";
import { MANAGER, managerCall, matchCall, rulesOf } from "./messages.ts";
import { unitPath } from "./unit-path.ts";

const CALL_MS = 25_000;
const RETRY = { firstMs: 1_000, capMs: 30_000 };

/** Calls back for a unit that changes, and for all of them when signals may have been missed. Returns what ends it. */
export function watchUnits(bus: Bus, names: readonly string[], onChange: (unit: string) => void): () => void {
  const watch = new UnitsWatch(bus, names, onChange);
  return () => watch.end();
}

class UnitsWatch {
  readonly #bus: Bus;
  readonly #byPath: ReadonlyMap<string, string>;
  readonly #onChange: (unit: string) => void;
  readonly #unlisten: () => void;
  #connection: Connection | null = null;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #ended = false;

  constructor(bus: Bus, names: readonly string[], onChange: (unit: string) => void) {
    this.#bus = bus;
    this.#byPath = new Map(names.map((name) => [unitPath(name), name]));
    this.#onChange = onChange;
    this.#unlisten = bus.listen({ signal: (message) => this.#receive(message), lost: () => this.#lost() });
    void this.#begin(false);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#unlisten();
    this.#leave();
  }

  /** Best effort: signals that come all the same are for nobody. */
  #leave(): void {
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    void this.#match("RemoveMatch", connection).catch(() => {});
    for (const unit of this.#byPath.values())
      void connection.call(managerCall("UnrefUnit", "s", [unit]), CALL_MS).catch(() => {});
  }

  async #begin(again: boolean): Promise<void> {
    // What is no systemd now will be none as long as this process lives.
    if (this.#ended || !(await this.#bus.available())) return;
    try {
      const connection = await this.#bus.connect();
      await this.#match("AddMatch", connection);
      await this.#keepLoaded(connection);
      this.#connection = connection;
      if (this.#ended) this.#leave();
      this.#failures = 0;
      if (again) this.#all();
    } catch {
      this.#later();
    }
  }

  #lost(): void {
    this.#connection = null;
    this.#later();
  }

  #later(): void {
    if (this.#ended) return;
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#begin(true), backoffMs(this.#failures, Math.random, RETRY));
    this.#retry.unref();
  }

  #receive(message: Message): void {
    const { member, body } = message;
    if (message.interface !== MANAGER) this.#changed(this.#byPath.get(message.path));
    // A reload begins and ends with one; what changed by it shows at its end.
    else if (member === "UnitFilesChanged" || (member === "Reloading" && body[0] === false)) this.#all();
    else if (member === "UnitNew" || member === "UnitRemoved") this.#changed(this.#byPath.get(String(body[1])));
  }

  #changed(unit: string | undefined): void {
    if (unit !== undefined && !this.#ended) this.#onChange(unit);
  }

  #all(): void {
    for (const unit of this.#byPath.values()) this.#changed(unit);
  }

  /**
   * systemd loads a unit that does not run for each look at it and drops it again, with a dozen signals each time: a
   * watcher that looks at what it hears of would never rest. A reference keeps it loaded, also through a reload.
   */
  async #keepLoaded(connection: Connection): Promise<void> {
    const refs = [...this.#byPath.values()].map((unit) =>
      connection.call(managerCall("RefUnit", "s", [unit]), CALL_MS),
    );
    // A unit whose file cannot be read is told of by whoever looks at it.
    await Promise.allSettled(refs);
  }

  async #match(member: "AddMatch" | "RemoveMatch", connection: Connection): Promise<void> {
    const rules = [...this.#byPath.values()].flatMap(rulesOf);
    await Promise.all(rules.map((rule) => connection.call(matchCall(member, rule), CALL_MS)));
  }
}
