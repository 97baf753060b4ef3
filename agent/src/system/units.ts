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
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly properties?: Readonly<Record<string, string | boolean | number>>;
}

export interface Units {
  /** False on a machine without systemd as its first process. */
  available(): Promise<boolean>;
  /** Names carry their suffix, as in `ollama.service`. */
  show(unit: string): Promise<UnitState>;
  start(unit: string): Promise<void>;
  stop(unit: string): Promise<void>;
  restart(unit: string): Promise<void>;
  enable(unit: string): Promise<void>;
  daemonReload(): Promise<void>;
  /** Starts a unit that outlives the agent (systemd-run); `show` finds it again, also after a restart of the agent. */
  runTransient(unit: TransientUnit): Promise<void>;
  /** Forgets a transient unit that failed. */
  resetFailed(unit: string): Promise<void>;
  /** The unit's newest journal lines, oldest first, messages only; at most `lines`. */
  journal(unit: string, lines: number): Promise<readonly string[]>;
}
