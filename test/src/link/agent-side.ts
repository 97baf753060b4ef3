import { Link } from "@fettle/agent/link/link.ts";
import type { Address, LinkParts } from "@fettle/agent/link/parts.ts";
import type { Fence } from "@fettle/agent/store/desired.ts";
import type { Identity } from "@fettle/agent/store/identity.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Log } from "@fettle/shared/protocol/log.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { AuditRecord, RunRecord } from "@fettle/shared/protocol/run-record.ts";
import { pino } from "pino";

/** A clock whose every second lasts `1 / speed` s; takes down how long it was asked to sleep. */
export class FastClock implements Clock {
  readonly sleeps: number[] = [];
  readonly #speed: number;
  #random = 0;

  constructor(speed: number) {
    this.#speed = speed;
  }

  always(random: number): void {
    this.#random = random;
  }

  now(): number {
    return Date.now();
  }

  mono(): number {
    return performance.now() * this.#speed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms / this.#speed);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  random(): number {
    return this.#random;
  }
}

/** Everything that the link is handed, in memory; a test changes it and looks at it. */
export class AgentSide {
  readonly clock: FastClock;
  readonly taken: Desired[] = [];
  runs: RunRecord[] = [];
  audit: AuditRecord[] = [];
  chunks: Log[] = [];
  fence: Fence | null = null;
  current: Desired | null = null;
  report: Report = { desired: null, facts: {}, resources: [], health: null, ports: [], pauses: [] };
  onAsk: LinkParts["onAsk"] = async () => ({ fine: true });
  readonly link: Link;
  readonly #end = new AbortController();
  readonly #ran: Promise<void>;

  constructor(coordinators: readonly Address[], identity: Identity | null, speed = 5) {
    this.clock = new FastClock(speed);
    const acknowledge = (ids: readonly string[]): void => {
      this.runs = this.runs.filter(({ id }) => !ids.includes(id));
      this.audit = this.audit.filter(({ id }) => !ids.includes(id));
    };
    this.link = new Link({
      coordinators,
      identity: async () => identity,
      desired: {
        current: () => this.current,
        fence: () => this.fence,
        raiseFence: async (fence) => {
          this.fence = fence;
        },
      },
      store: {
        runs: { owed: (limit) => this.runs.slice(0, limit), acknowledge },
        audit: { owed: (limit) => this.audit.slice(0, limit), acknowledge },
        logs: {
          owed: (limit) => this.chunks.slice(0, limit),
          acknowledge: (runId, seq) => {
            this.chunks = this.chunks.filter((chunk) => chunk.runId !== runId || chunk.seq > seq);
          },
        },
      },
      introduce: () => ({
        version: "0.1.0",
        protocol: 1,
        capabilities: ["ollama.drop-in"],
        roles: ["ollama"],
        machineId: "m",
        bootId: "b",
        instanceId: "",
      }),
      currentReport: () => this.report,
      metrics: () => ({ load1: 0.5 }),
      onDesired: async (desired) => {
        this.taken.push(desired);
        this.current = desired;
      },
      onAsk: (ask, signal) => this.onAsk(ask, signal),
      clock: this.clock,
      log: pino({ level: "silent" }),
    });
    this.#ran = this.link.run(this.#end.signal);
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error("the test is over"));
    await this.#ran;
  }
}

export function desiredOf(
  generation: number,
  roles: Desired["roles"] = { ollama: { generation } },
  epoch = 3,
): Desired {
  return {
    epoch,
    generation,
    hash: hashOf(roles),
    roles,
    gates: [],
    policy: { mode: "enforce", pauses: [], contention: null },
    retry: {},
    approvals: [],
  };
}

let count = 0;

export function runRecord(extra: Partial<RunRecord> = {}): RunRecord {
  count += 1;
  return {
    id: `0190f000-0000-7000-8000-${String(count).padStart(12, "0")}`,
    passId: "0190f000-0000-7000-8000-000000000000",
    epoch: 3,
    generation: 1,
    resource: "ollama.drop-in",
    resourceHash: "a".repeat(64),
    cause: "event",
    changes: [],
    phase: "done",
    outcome: "repaired",
    code: null,
    reason: null,
    startedAt: 1,
    endedAt: 2,
    ...extra,
  };
}
