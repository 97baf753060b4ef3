/** A systemd unit as systemd says it. */
export interface UnitState {
  readonly load: "loaded" | "not-found" | "masked" | "error" | "bad-setting";
  readonly active: "active" | "inactive" | "failed" | "activating" | "deactivating" | "reloading" | "maintenance";
  readonly sub: string;
  readonly result: string;
  /** 0 when none runs. */
  readonly mainPid: number;
  readonly restarts: number;
  readonly fragmentPath: string;
  readonly dropIns: readonly string[];
  /** As systemd has loaded it: `KEY=value`. */
  readonly environment: readonly string[];
  /** The files on disk are newer than what systemd has loaded. */
  readonly needReload: boolean;
  /** enabled, disabled, masked, static, transient … */
  readonly enabled: string;
  /** Exit status of the last main process. */
  readonly exitStatus: number;
}

export interface TransientUnit {
  /** Without `.service`. */
  readonly name: string;
  readonly description: string;
  /** Runs as it is: no shell, and neither `$` nor `%` is expanded. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  /** As in a unit file's [Service], times in seconds: `{ RuntimeMaxSec: 600, PrivateTmp: true, Nice: 10 }`. */
  readonly properties?: Readonly<Record<string, string | boolean | number>>;
}

/** How long a caller waits for what systemd was asked to do; systemd goes on with it after that. */
export interface JobOptions {
  readonly signal?: AbortSignal;
  /** 120 s when not given. */
  readonly timeoutMs?: number;
}

/**
 * `no-systemd`: this machine runs none. `away`: the bus is gone or systemd does not answer in time; what was asked may
 * still happen. `refused`: systemd did not take the order (`reason` as in NoSuchUnit, UnitMasked, UnitExists).
 * `job`: it took the order and the job ended badly (`reason` as in failed, timeout, canceled, dependency).
 */
export type UnitProblem = "no-systemd" | "away" | "refused" | "job";

export class UnitError extends Error {
  override readonly name = "UnitError";
  readonly code: UnitProblem;
  readonly unit: string;
  readonly reason: string;

  constructor(code: UnitProblem, unit: string, reason: string, options?: { cause?: unknown }) {
    super(`${unit}: ${code}: ${reason}`, options);
    this.code = code;
    this.unit = unit;
    this.reason = reason;
  }
}

/** Failures throw a UnitError; a fired signal throws its reason. */
export interface Units {
  /** False on a machine without systemd as its first process. */
  available(): Promise<boolean>;
  /** Names carry their suffix, as in `ollama.service`. */
  show(unit: string): Promise<UnitState>;
  /** Resolves when the job is done; for `Type=simple` that is before the program listens. */
  start(unit: string, options?: JobOptions): Promise<void>;
  stop(unit: string, options?: JobOptions): Promise<void>;
  restart(unit: string, options?: JobOptions): Promise<void>;
  /** Reloads systemd as `systemctl enable` does, when something changed. Starts nothing. */
  enable(unit: string): Promise<void>;
  daemonReload(): Promise<void>;
  /**
   * Starts a unit that outlives the agent, as systemd-run does. It remains after its end (active/exited or failed),
   * so that `show` finds how it ended also after a restart of the agent: `stop` forgets one that succeeded,
   * `resetFailed` one that failed. Resolves when its program was started; one that cannot be is a failed unit.
   * Refused with `UnitExists` while the last of that name is there.
   */
  runTransient(unit: TransientUnit, options?: JobOptions): Promise<void>;
  /** Forgets that a unit failed, and with it a transient unit that failed. Nothing to forget is fine. */
  resetFailed(unit: string): Promise<void>;
  /** The unit's newest journal lines, oldest first, messages only, systemd's own about it too; at most `lines`. */
  journal(unit: string, lines: number): Promise<readonly string[]>;
}
