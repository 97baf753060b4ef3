import type { JobOptions } from "../../units.ts";
import { UnitError } from "../../units.ts";
import type { Bus } from "./bus.ts";
import type { Call } from "./connection.ts";
import { MANAGER } from "./messages.ts";
import { unitError } from "./unit-error.ts";

const DEFAULT_TIMEOUT_MS = 120_000;
/** `skipped`: the job did not apply to the state the unit is in, as systemctl sees it too. */
const GOOD = ["done", "skipped"];

/** Gives systemd an order that it answers with a job, and waits for that job's end. */
export async function runJob(bus: Bus, unit: string, order: Call, options: JobOptions = {}): Promise<void> {
  options.signal?.throwIfAborted();
  const wait = new JobWait(bus, unit, options);
  try {
    const [job] = await bus.call(unit, order);
    const result = await wait.until(String(job));
    if (!GOOD.includes(result)) throw new UnitError("job", unit, result);
  } finally {
    wait.end();
  }
}

/** Listens from before the order on, because a short job's end can come in the same read as its beginning. */
class JobWait {
  readonly #results = new Map<string, string>();
  readonly #failed: Promise<never>;
  readonly #end: () => void;
  #look: () => void = () => {};

  constructor(bus: Bus, unit: string, options: JobOptions) {
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    this.#failed = failed.promise;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const late = () => failed.reject(new UnitError("away", unit, `the job is not done in ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    const aborted = () => failed.reject(options.signal?.reason);
    options.signal?.addEventListener("abort", aborted, { once: true });
    const unlisten = bus.listen({
      signal: (message) => {
        if (message.interface === MANAGER && message.member === "JobRemoved") this.#removed(message.body);
      },
      lost: (cause) => failed.reject(unitError(unit, cause)),
    });
    this.#end = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", aborted);
      unlisten();
    };
  }

  /** The job's result, as in done, failed, timeout, canceled. */
  async until(job: string): Promise<string> {
    const found = new Promise<string>((resolve) => {
      this.#look = () => {
        const result = this.#results.get(job);
        if (result !== undefined) resolve(result);
      };
      this.#look();
    });
    return Promise.race([found, this.#failed]);
  }

  end(): void {
    this.#end();
  }

  #removed(body: readonly unknown[]): void {
    const [, job, , result] = body;
    this.#results.set(String(job), String(result));
    this.#look();
  }
}
