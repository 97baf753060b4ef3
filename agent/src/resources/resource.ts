import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Gate } from "@fettle/shared/protocol/desired.ts";
import type { Change, Progress } from "@fettle/shared/protocol/resource-report.ts";
import type { Clients } from "../clients/clients.ts";
import type { Host } from "../system/host.ts";

/** Something worth saying that changes and blocks nothing. Its severity is the code's. */
export interface ResourceFinding {
  readonly code: Code;
  readonly args: CodeArgs;
}

/** What diff says. `findings` go with every kind of verdict. */
export type Verdict = { readonly findings?: readonly ResourceFinding[] } & (
  | { readonly kind: "in-sync" }
  | {
      readonly kind: "drift";
      readonly changes: readonly Change[];
      /** What the repair cuts: `service` waits for a quiet moment. */
      readonly disturbs: "none" | "service";
      /** True when users are already without the service, or data is at risk: drain's end does not save it. */
      readonly breaking: boolean;
      /** True when the repair only restarts what is down: allowed also while the coordinator is long away. */
      readonly restartOnly?: boolean;
      /** For a plan: what would be downloaded or made. */
      readonly downloadBytes?: number | null;
      readonly creates?: string;
    }
  | { readonly kind: "blocked"; readonly code: Code; readonly args: CodeArgs; readonly changes?: readonly Change[] }
  | { readonly kind: "waiting"; readonly code: Code; readonly args: CodeArgs; readonly changes?: readonly Change[] }
  | { readonly kind: "unknown"; readonly code: Code; readonly args: CodeArgs }
);

/** One observation a pass shares among its resources; forgotten by an apply that touches what it is about. */
export interface Pass {
  readonly id: string;
  /** The first caller's promise serves all; `key` begins with what it is about, as in `ollama:/api/tags`. */
  once<T>(key: string, observe: () => Promise<T>): Promise<T>;
  /** Forgets every observation whose key begins with `prefix`. */
  forget(prefix: string): void;
}

/** The resource's own small record in the agent's store. Written at once, durable when the promise resolves. */
export interface Kept {
  get(key: string): string | null;
  set(key: string, value: string): void;
  delete(key: string): void;
}

/** How an apply tells what it does. */
export interface Reporter {
  progress(progress: Progress): void;
  /** Terminal output or a line of a client; becomes the run's log. */
  log(text: string): void;
}

export interface ResourceContext {
  readonly host: Host;
  readonly clients: Clients;
  readonly pass: Pass;
  readonly kept: Kept;
  /** True when a person approved this resource at its present hash; the next apply uses it up. */
  readonly approved: boolean;
  /** The stack is to be enforced: what it names may be taken for ours. Absent in a plan. */
  readonly enforced?: boolean;
  /** Its gate, for a kind whose look itself is held back; absent in a plan. */
  readonly gate?: Gate;
}

/**
 * One thing on one machine that is to be in a state. One file per kind. `observe` looks and never writes; `diff` is
 * pure; `apply` writes and is followed by observe and diff, so it need not verify. All waits end with the signal.
 */
export interface Resource<Observed = unknown> {
  /** `role.kind` or `role.kind[name]`. */
  readonly id: string;
  /** sha256 over its own part of the parameters; retry, contention, gates and approvals hang on it. */
  readonly hash: string;
  /** Ids of resources that must be in sync before an apply of this one. */
  readonly after: readonly string[];
  /** Runs as a job beside the loop: a pull, an install. Abortable and resumable. */
  readonly long: boolean;
  /** How long after an apply it may take until it is in sync, in ms. */
  settleMs(observed: Observed): number;
  /** True for GitLab's settings: contention by the slower limits. */
  readonly polled: boolean;
  /** Least ms between two looks that no event asked for; 0 looks in every pass. */
  readonly everyMs: number;
  /** How long one look may take, in ms. */
  readonly lookMs: number;
  /** Prefixes of shared observations that an apply makes stale. */
  readonly touches: readonly string[];
  observe(ctx: ResourceContext, signal: AbortSignal): Promise<Observed>;
  diff(observed: Observed): Verdict;
  apply?(ctx: ResourceContext, changes: readonly Change[], signal: AbortSignal, reporter: Reporter): Promise<void>;
  /** Facts that the observation found, for the report. */
  facts?(observed: Observed): Readonly<Record<string, string>>;
  /** Wall-clock ms of the check that the observation rests on, for a kind that keeps one for a while; null before it. */
  checkedAt?(observed: Observed): number | null;
  /** Ms after which it is worth another look though no event asks for one; null leaves it to the pace. */
  againMs?(observed: Observed): number | null;
  /** Which service its `disturbs` is about, and so where to look for users; null when it disturbs none. */
  readonly service: ServiceUse | null;
}

/** Where users of a service are seen: connections to `port` from elsewhere, and the CPU of what `mainPid` started. */
export interface ServiceUse {
  readonly port: number;
  readonly drainMs: number;
  /** True when the service runs in a network of its own: what a container's users do, the machine's sockets do not show. */
  readonly ownNetwork?: boolean;
  /** null when nothing runs or it cannot be known. */
  mainPid(host: Host): Promise<number | null>;
  /** The port that this process really serves on, when that can be another one than declared; null when not known. */
  servedPort?(host: Host, pid: number): Promise<number | null>;
}
