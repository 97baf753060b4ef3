import type { Service } from "@fettle/shared/lib/service.ts";
import type { Host } from "../system/host.ts";
import { Coalescer } from "./coalescer.ts";
import { keepSource, type Source } from "./source.ts";

const SWEEP_MS = 20_000;
const SWEEP_JITTER_MS = 8_000;

export interface WatchTargets {
  /** Files and folders, there or not yet. */
  readonly files: readonly string[];
  /** Names with their suffix, as in `ollama.service`. */
  readonly units: readonly string[];
  readonly sources?: readonly Source[];
}

/** "Look again": because of what happened, as in `unit ollama.service`, or because it is time. */
export interface WakeReason {
  readonly cause: "event" | "sweep";
  readonly what: readonly string[];
}

export interface WatcherOptions {
  readonly host: Pick<Host, "clock" | "watch">;
  readonly wake: (reason: WakeReason) => void;
}

/** Watches something until the signal fires. */
type Begin = (ended: AbortSignal) => void;

/** What wakes the loop: events, coalesced, and a sweep every 20 to 28 s for whatever no event told of. */
export class Watcher implements Service {
  readonly id = "watcher";
  readonly #host: WatcherOptions["host"];
  readonly #wake: WatcherOptions["wake"];
  readonly #events: Coalescer;
  /** What is being watched, each with what ends it. */
  readonly #watched = new Map<string | Source, AbortController>();
  readonly #running = new Set<Promise<void>>();
  #targets: WatchTargets = { files: [], units: [] };
  #signal: AbortSignal | null = null;

  constructor({ host, wake }: WatcherOptions) {
    this.#host = host;
    this.#wake = wake;
    this.#events = new Coalescer(host.clock, (what) => wake({ cause: "event", what }));
  }

  /** Watches these from now on; what was watched before and is among them goes on. Look after the call, not before. */
  set(targets: WatchTargets): void {
    this.#targets = targets;
    if (this.#signal !== null && !this.#signal.aborted) this.#apply(this.#signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#apply(signal);
    const { clock } = this.#host;
    while (!signal.aborted) {
      await clock.sleep(SWEEP_MS + SWEEP_JITTER_MS * clock.random(), signal).catch(() => undefined);
      if (!signal.aborted) this.#wake({ cause: "sweep", what: [] });
    }
    this.#events.end();
    for (const end of this.#watched.values()) end.abort();
    await Promise.all(this.#running);
  }

  #apply(signal: AbortSignal): void {
    const wanted = this.#wanted();
    for (const [key, end] of this.#watched) {
      if (wanted.has(key)) continue;
      end.abort();
      this.#watched.delete(key);
    }
    for (const [key, begin] of wanted) {
      if (this.#watched.has(key)) continue;
      const end = new AbortController();
      this.#watched.set(key, end);
      begin(AbortSignal.any([end.signal, signal]));
    }
  }

  /** A source is told from others by itself, not by its name: another one of that name is watched anew. */
  #wanted(): ReadonlyMap<string | Source, Begin> {
    const { files, units, sources = [] } = this.#targets;
    const { watch } = this.#host;
    return new Map<string | Source, Begin>([
      ...files.map((path) => this.#watching(`file ${path}`, (heard) => watch.files([path], heard))),
      ...units.map((unit) => this.#watching(`unit ${unit}`, (heard) => watch.units([unit], heard))),
      ...sources.map((source): [Source, Begin] => [source, (ended) => this.#keep(source, ended)]),
    ]);
  }

  #watching(what: string, watch: (heard: () => void) => () => void): [string, Begin] {
    const begin: Begin = (ended) => {
      const end = watch(() => this.#events.push(what));
      ended.addEventListener("abort", end, { once: true });
    };
    return [what, begin];
  }

  #keep(source: Source, signal: AbortSignal): void {
    const { clock } = this.#host;
    const kept = keepSource(source, () => this.#events.push(source.id), { clock, signal });
    this.#running.add(kept);
    void kept.finally(() => this.#running.delete(kept));
  }
}
