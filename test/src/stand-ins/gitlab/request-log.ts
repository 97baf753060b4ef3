/** One thing that was asked: a GraphQL field at the top of an operation, or a REST call. */
export interface RequestEntry {
  at: number;
  kind: "query" | "mutation" | "rest";
  /** The field's name, or method and path. */
  name: string;
  /** The name of the token it came with; empty when it came without one. */
  token: string;
  writes: boolean;
}

const KEPT = 2_000;

/** What was asked of this GitLab, so that a test can say that nothing was written. */
export class RequestLog {
  #entries: RequestEntry[] = [];
  #total = 0;

  add(entry: RequestEntry): void {
    this.#total += 1;
    this.#entries.push(entry);
    if (this.#entries.length > KEPT) this.#entries.shift();
  }

  clear(): void {
    this.#entries = [];
    this.#total = 0;
  }

  /** Counts by name, and the entries themselves, newest last. `writes` leaves out checks and echoes. */
  summary(): Record<string, unknown> {
    const counts = (kind: RequestEntry["kind"]) => {
      const names: Record<string, number> = {};
      for (const entry of this.#entries) if (entry.kind === kind) names[entry.name] = (names[entry.name] ?? 0) + 1;
      return names;
    };
    return {
      total: this.#total,
      writes: this.#entries.filter((entry) => entry.writes).length,
      mutations: counts("mutation"),
      queries: counts("query"),
      rest: counts("rest"),
      entries: this.#entries,
    };
  }
}
