import type { CodeArgs, Severity } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { UpdateState } from "@fettle/shared/protocol/agent-status.ts";
import type { EventRow } from "../store/events.ts";
import type { Queries, Store } from "../store/store.ts";

/** What happened. */
export type EventKind =
  | "node.connected"
  | "node.disconnected"
  | "node.enrolled"
  | "node.removed"
  | "node.uninstalled"
  | "node.rejected"
  | "node.renewed"
  | "node.frozen"
  | "node.readmission-asked"
  | "node.readmitted"
  | "fleet.lost"
  | "node.noisy"
  | "resource.state"
  | "finding.raised"
  | "finding.cleared"
  | "health.state"
  | "desired.rejected"
  | "run.ended"
  | "stack.applied"
  | "coordinator.restored"
  | "ca.rotation"
  | "token.created"
  | "pause.set"
  | "pause.ended"
  | "repair.asked"
  | "approval.given"
  | "update.asked"
  | "update.cancelled"
  | `update.${UpdateState}`;

export interface NewEvent {
  readonly stack: string;
  readonly kind: EventKind;
  readonly text: string;
  readonly severity?: Severity;
  readonly node?: string;
  readonly resource?: string;
  readonly code?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

type Listener = (event: EventRow) => void;

/** Events as users see them: stored, then handed to whoever watches. */
export class EventFeed {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  #last: string;

  private constructor(store: Store, clock: Clock, last: string) {
    this.#store = store;
    this.#clock = clock;
    this.#last = last;
  }

  static async open(store: Store, clock: Clock): Promise<EventFeed> {
    return new EventFeed(store, clock, (await store.events.lastId()) ?? "");
  }

  /** Stores and publishes events that stand by themselves. */
  async record(...events: NewEvent[]): Promise<void> {
    if (events.length === 0) return;
    this.publish(await this.#store.write((queries) => this.append(queries, events)));
  }

  /** Stores events inside a transaction; `publish` the rows after it committed. */
  async append(queries: Queries, events: readonly NewEvent[]): Promise<EventRow[]> {
    const rows = events.map((event) => this.#row(event));
    await queries.events.add(rows);
    return rows;
  }

  publish(rows: readonly EventRow[]): void {
    for (const row of rows) for (const listener of this.#listeners) listener(row);
  }

  /** Calls `listener` for each event from now on; returns how to stop that. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #row(event: NewEvent): EventRow {
    const at = this.#clock.now();
    this.#last = nextId(this.#last, at);
    return {
      id: this.#last,
      stack: event.stack,
      node: event.node ?? null,
      resource: event.resource ?? null,
      at,
      kind: event.kind,
      severity: event.severity ?? "info",
      code: event.code ?? null,
      text: event.text,
      data: JSON.stringify(event.data ?? {}),
    };
  }
}

/** Text that sorts after `last` whatever the clock does: 15 digits of ms, a dash, 6 digits counting within that ms. */
export function nextId(last: string, at: number): string {
  const [ms = "0", count = "0"] = last.split("-");
  if (at > Number(ms)) return `${String(at).padStart(15, "0")}-000000`;
  return `${ms}-${String(Number(count) + 1).padStart(6, "0")}`;
}

/** Severity and sentence of a code of the catalogue. */
export function textOf(code: Code, args: CodeArgs): { severity: Severity; text: string } {
  return { severity: codes[code].severity, text: render(codes[code].cause, args) };
}
