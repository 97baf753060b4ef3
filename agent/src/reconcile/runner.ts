import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Cause } from "@fettle/shared/protocol/run-record.ts";
import type { Logger } from "pino";
import type { Pass, Reporter, Resource, ResourceContext } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../system/clock.ts";
import type { ActiveRun } from "./cell.ts";
import type { Contention } from "./contention.ts";
import { newPass } from "./pass.ts";
import { RunLog } from "./run-log.ts";
import { type RunResult, runResource } from "./run-resource.ts";
import type { Standing } from "./standing.ts";

export interface RunnerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Store;
  readonly contention: Contention;
  readonly context: (resource: Resource, pass: Pass, standing: Standing) => ResourceContext;
  readonly cut: (text: string) => string;
  /** The journal owes the coordinator something new. */
  readonly onOwed: () => void;
  /** A run's progress or phase changed what is reported. */
  readonly onProgress: () => void;
}

const BACKOFF = { firstMs: 2_000, capMs: 300_000 };

/** Starts repairs and books their ends: journal, retries, contention. */
export class Runner {
  readonly #deps: RunnerDeps;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** The intention is on disk when this returns (it throws when it cannot be); `ended` is called once, at the end. */
  start(
    resource: Resource,
    changes: readonly Change[],
    cause: Cause,
    standing: Standing,
    passId: string,
    ended: (run: ActiveRun, result: RunResult) => void,
  ): ActiveRun {
    const { store, clock } = this.#deps;
    const id = uuidv7(clock.now());
    const startedAt = clock.now();
    const { epoch, generation } = standing;
    store.runs.intend({
      id,
      passId,
      epoch,
      generation,
      resource: resource.id,
      resourceHash: resource.hash,
      cause,
      changes,
      startedAt,
    });
    const log = this.#log(id);
    const abort = new AbortController();
    const execute = async (): Promise<void> => {
      const result = await runResource(resource, changes, this.#runDeps(run, log, resource, standing), abort.signal);
      try {
        log.end();
        this.#book(resource, changes, id, result);
      } catch (error) {
        this.#deps.logger.error({ err: error, run: id }, "the run's end could not be journalled");
      }
      ended(run, result);
    };
    const run: ActiveRun = { id, abort, progress: null, done: Promise.resolve().then(execute) };
    this.#deps.logger.info({ run: id, resource: resource.id, cause, changes: changes.length }, "run started");
    return run;
  }

  #runDeps(run: ActiveRun, log: RunLog, resource: Resource, standing: Standing) {
    const { clock, store, context, cut } = this.#deps;
    const reporter: Reporter = {
      progress: (progress) => {
        run.progress = progress;
        this.#deps.onProgress();
      },
      log: (text) => log.write(text),
    };
    return {
      clock,
      context: (pass: Pass) => context(resource, pass, standing),
      newPass: () => newPass(uuidv7(clock.now())),
      phase: (phase: "intended" | "applying" | "checking" | "done") => store.runs.phase(run.id, phase),
      reporter,
      cut,
    };
  }

  #log(runId: string): RunLog {
    const { store, clock, cut, onOwed } = this.#deps;
    return new RunLog({
      runId,
      logs: store.logs,
      now: () => clock.now(),
      mono: () => clock.mono(),
      cut,
      onAppend: onOwed,
    });
  }

  #book(resource: Resource, changes: readonly Change[], id: string, { end }: RunResult): void {
    const { store, clock, contention, logger, onOwed } = this.#deps;
    store.runs.end(id, end);
    if (end.outcome === "repaired") {
      store.retries.reset(resource.id);
      contention.repaired(resource.id, changes);
    } else if (end.outcome === "failed") {
      const failures = (store.retries.get(resource.id, resource.hash)?.failures ?? 0) + 1;
      const nextAt =
        clock.now() +
        Math.max(
          500,
          backoffMs(failures, () => clock.random(), BACKOFF),
        );
      store.retries.set(resource.id, resource.hash, { failures, nextAt });
    }
    logger.info({ run: id, resource: resource.id, ...end }, "run ended");
    onOwed();
  }
}
