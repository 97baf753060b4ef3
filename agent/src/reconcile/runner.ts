import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import type { Approval } from "@fettle/shared/protocol/desired.ts";
import type { Cause } from "@fettle/shared/protocol/run-record.ts";
import type { Logger } from "pino";
import type { Pass, Reporter, Resource, ResourceContext, Verdict } from "../resources/resource.ts";
import type { RunPhase } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Backoffs } from "./backoffs.ts";
import type { ActiveRun } from "./cell.ts";
import type { Contention } from "./contention.ts";
import { newPass } from "./pass.ts";
import { RunLog } from "./run-log.ts";
import { type RunDeps, type RunResult, runResource } from "./run-resource.ts";
import { type Cut, saidChanges } from "./said.ts";
import type { Standing } from "./standing.ts";

export interface RunnerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Store;
  readonly backoffs: Backoffs;
  readonly contention: Contention;
  readonly context: (resource: Resource, pass: Pass, standing: Standing) => ResourceContext;
  readonly cut: Cut;
  /** The journal owes the coordinator something new. */
  readonly onOwed: () => void;
  /** A run's progress or phase changed what is reported. */
  readonly onProgress: () => void;
}

/** One repair to be made. */
export interface Order {
  readonly resource: Resource;
  readonly changes: Extract<Verdict, { kind: "drift" }>["changes"];
  readonly cause: Cause;
  readonly standing: Standing;
  readonly passId: string;
}

/** Starts repairs and books their ends: journal, backoff, contention. */
export class Runner {
  readonly #deps: RunnerDeps;
  /** Ends that the journal would not take yet. */
  #unbooked: Array<() => void> = [];

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /**
   * The intention is on disk when this returns, and an approval used up (it throws when they cannot be, and then
   * nothing runs); `ended` is called once, at the end.
   */
  start(order: Order, ended: (run: ActiveRun, result: RunResult) => void): ActiveRun {
    const { resource, cause, changes } = order;
    const id = uuidv7(this.#deps.clock.now());
    this.#intend(id, order);
    const log = this.#log(id);
    const abort = new AbortController();
    const execute = async (): Promise<void> => {
      const result = await runResource(resource, changes, this.#runDeps(run, log, order), abort.signal);
      log.end();
      this.#book(order, id, result);
      ended(run, result);
    };
    const done = Promise.resolve()
      .then(execute)
      .catch((err: unknown) => this.#deps.logger.error({ err, run: id }, "a run's end was not taken"));
    const run: ActiveRun = { id, cause, abort, progress: null, givenUp: null, done };
    this.#deps.logger.info({ run: id, resource: resource.id, cause, changes: changes.length }, "run started");
    return run;
  }

  /** Tries again to write what the journal did not take. */
  bookLeft(): void {
    const left = this.#unbooked;
    this.#unbooked = [];
    this.#unbooked = left.filter((write) => this.#write(write) !== null);
  }

  #intend(id: string, { resource, changes, cause, standing, passId }: Order): void {
    const { store, clock, cut } = this.#deps;
    const { epoch, generation, approvals } = standing;
    store.runs.intend({
      id,
      passId,
      epoch,
      generation,
      resource: resource.id,
      resourceHash: resource.hash,
      cause,
      changes: saidChanges(changes, cut),
      startedAt: clock.now(),
      approvals: approvals.filter((one) => one.resource === resource.id && one.hash === resource.hash).map(tokenOf),
    });
  }

  #runDeps(run: ActiveRun, log: RunLog, { resource, standing }: Order): RunDeps {
    const { clock, context, cut } = this.#deps;
    const reporter: Reporter = {
      progress: (progress) => {
        run.progress = progress;
        this.#deps.onProgress();
      },
      log: (text) => log.write(text),
    };
    return {
      clock,
      context: (pass) => context(resource, pass, standing),
      newPass: () => newPass(uuidv7(clock.now())),
      phase: (phase) => this.#phase(run.id, phase),
      givenUp: () => run.givenUp,
      reporter,
      cut,
    };
  }

  /** Nothing is applied before the journal says so; after that its word can come later. */
  #phase(id: string, phase: RunPhase): void {
    try {
      this.#deps.store.runs.phase(id, phase);
    } catch (cause) {
      if (phase === "applying")
        throw new FettleError("agent.journal-unwritable", { problem: messageOf(cause) }, { cause });
      this.#deps.logger.error({ err: cause, run: id, phase }, "the run's phase could not be journalled");
    }
  }

  #log(runId: string): RunLog {
    const { store, clock, cut, onOwed, logger } = this.#deps;
    return new RunLog({
      runId,
      logs: store.logs,
      now: () => clock.now(),
      mono: () => clock.mono(),
      cut,
      onAppend: onOwed,
      onLost: (err) => logger.error({ err, run: runId }, "the run's log could not be journalled"),
    });
  }

  #book({ resource, changes }: Order, id: string, { end }: RunResult): void {
    const { store, backoffs, contention, logger } = this.#deps;
    if (end.outcome === "repaired") backoffs.reset(resource);
    else if (end.outcome === "failed") backoffs.failed(resource);
    // Can be done again from its beginning: each part says the same twice, and what adds comes last.
    const write = () => {
      store.runs.end(id, end);
      backoffs.save(resource);
      if (end.outcome === "repaired") contention.repaired(resource.id, changes);
    };
    logger.info({ run: id, resource: resource.id, ...end }, "run ended");
    const err = this.#write(write);
    if (err === null) return;
    logger.error({ err, run: id }, "the run's end waits until the journal can be written");
    this.#unbooked.push(write);
  }

  /** Whatever the journal had against it, or null. */
  #write(write: () => void): unknown {
    try {
      write();
      this.#deps.onOwed();
      return null;
    } catch (error) {
      return error ?? new Error("unknown");
    }
  }
}

function tokenOf({ token }: Approval): string {
  return token;
}
