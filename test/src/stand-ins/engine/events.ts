/** What happened, kept for a while and told to whoever listens. */
import { type Clock, nanoseconds } from "./clock.ts";

export interface EngineEvent {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: "local";
  time: number;
  timeNano: bigint;
  /** Older names of the same, which the Engine still sends for containers and images. */
  status?: string;
  id?: string;
  from?: string;
}

const KEPT = 256;

export class Events {
  readonly #clock: Clock;
  readonly #kept: EngineEvent[] = [];
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  readonly #streams = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  emit(type: string, action: string, id: string, attributes: Record<string, string>): void {
    const timeNano = nanoseconds(this.#clock());
    const old = type === "container" || type === "image" ? { status: action, id } : {};
    const from = type === "container" && attributes.image !== undefined ? { from: attributes.image } : {};
    const event: EngineEvent = {
      ...old,
      ...from,
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: "local",
      time: Number(timeNano / 1_000_000_000n),
      timeNano,
    };
    this.#kept.push(event);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** Those from `sinceMs` on that are still known. */
  since(sinceMs: number): EngineEvent[] {
    return this.#kept.filter(({ timeNano }) => timeNano >= nanoseconds(sinceMs));
  }

  /** For a stream that can be cut: how. Returns how to forget it. */
  streaming(cut: () => void): () => void {
    this.#streams.add(cut);
    return () => this.#streams.delete(cut);
  }

  cutStreams(): void {
    for (const cut of this.#streams) cut();
  }

  /** Returns how to stop. */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** JSON of an event; its nanoseconds do not fit a JavaScript number. */
export function eventLine(event: EngineEvent): string {
  const text = JSON.stringify({ ...event, timeNano: 0 });
  return `${text.replace(/"timeNano":0/, `"timeNano":${event.timeNano}`)}\n`;
}
