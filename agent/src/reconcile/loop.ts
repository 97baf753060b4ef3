import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { Cause } from "@fettle/shared/protocol/run-record.ts";
import type { Logger } from "pino";
import type { Pass, Resource, ResourceContext } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Busy } from "./busy.ts";
import { type ActiveRun, type Cell, checkedAt, isSlow, newCell, reportOf, say } from "./cell.ts";
import type { Contention } from "./contention.ts";
import type { Judge } from "./judge.ts";
import { type Look, look } from "./look.ts";
import { comesAfter, order } from "./order.ts";
import { newPass } from "./pass.ts";
import type { RunResult } from "./run-resource.ts";
import type { Runner } from "./runner.ts";
import { NOTHING, type Standing } from "./standing.ts";

export interface LoopDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<Store, "kept" | "retries">;
  readonly busy: Busy;
  readonly judge: Judge;
  readonly runner: Runner;
  readonly contention: Contention;
  readonly context: (resource: Resource, pass: Pass, standing: Standing) => ResourceContext;
  readonly cut: (text: string) => string;
  /** Something that is reported has changed. */
  readonly onChange: () => void;
}

const TRANSIT_MS = 1_000;
const UNKNOWN_MS = 5_000;
const SAMPLE_MS = 1_000;
const IDLE_MS = 28_000;

/**
 * The agent's reconcile loop. Level, not edge: a wake says only "look again". Looks run beside each other and beside
 * repairs; what a look finds is decided together with the state of everything it comes after.
 */
export class Loop implements Service {
  readonly id = "loop";
  readonly #deps: LoopDeps;
  #standing: Standing = NOTHING;
  #cells = new Map<string, Cell>();
  #released = new Map<string, Cell>();
  readonly #facts = new Map<string, string>();
  #cause: Cause = "sweep";
  #forced = new Set<string>();
  #awake: () => void = () => undefined;
  #signal: AbortSignal = AbortSignal.abort();
  #pass: Pass = newPass("");
  #pending = true;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const sampling = this.#sample(signal);
    while (!signal.aborted) {
      this.#tick();
      await this.#rest(signal);
    }
    const runs = [...this.#cells.values()].flatMap((cell) => cell.run ?? []);
    for (const run of runs) run.abort.abort(new Error("the agent stops"));
    await Promise.allSettled([sampling, ...runs.map((run) => run.done)]);
  }

  /** Look again. `ids` are looked at whatever their pace. */
  wake(cause: Cause, ids: readonly string[] = []): void {
    for (const id of ids) this.#forced.add(id);
    this.#cause = cause;
    this.#pending = true;
    this.#awake();
  }

  /** A new desired state: unchanged resources keep what is known of them, jobs of changed ones are given up. */
  set(standing: Standing): void {
    const now = this.#deps.clock.now();
    const cells = new Map<string, Cell>();
    for (const resource of order(standing.resources)) {
      const old = this.#cells.get(resource.id);
      const same = old?.resource.hash === resource.hash;
      const cell = same ? { ...old, resource } : newCell(resource, now);
      if (old && !same) this.#supersede(old, cell);
      cells.set(resource.id, cell);
    }
    for (const [id, old] of this.#cells) if (!cells.has(id)) this.#release(old, now);
    for (const id of cells.keys()) this.#released.delete(id);
    this.#cells = cells;
    this.#standing = standing;
    this.#takeRetries();
    this.wake("desired");
    this.#deps.onChange();
  }

  /** Forgets backoff and contention of the resources and looks at once. */
  repair(ids: readonly string[]): void {
    for (const id of ids) {
      this.#deps.store.retries.reset(id);
      this.#deps.contention.reset(id);
      const cell = this.#cells.get(id);
      if (cell) cell.contended = null;
    }
    this.wake("operator", ids);
  }

  resources(): ResourceReport[] {
    return [...this.#cells.values(), ...this.#released.values()].map((cell) => reportOf(cell, this.#deps.cut));
  }

  facts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#facts);
  }

  get standing(): Standing {
    return this.#standing;
  }

  #tick(): void {
    const now = this.#deps.clock.mono();
    const woken = this.#pending;
    const forced = this.#forced;
    this.#pending = false;
    this.#forced = new Set();
    this.#pass = newPass(uuidv7(this.#deps.clock.now()));
    const paces = this.#duePaces(now);
    for (const cell of this.#cells.values()) {
      const { id, everyMs } = cell.resource;
      const along = paces.has(everyMs) && cell.lookAgainAt - now <= everyMs / 2;
      if (forced.has(id) || cell.lookAgainAt <= now || (woken && everyMs === 0) || along) this.#look(cell);
    }
    this.#decideAll();
  }

  /** Kinds of one pace are looked at together where they can be: what they observe is shared within a pass. */
  #duePaces(now: number): Set<number> {
    const due = [...this.#cells.values()].filter((cell) => cell.lookAgainAt <= now && cell.resource.everyMs > 0);
    return new Set(due.map((cell) => cell.resource.everyMs));
  }

  #look(cell: Cell): void {
    if (cell.run || this.#standing.refusals.has(cell.resource.id)) {
      cell.lookAgainAt = Number.POSITIVE_INFINITY;
      return;
    }
    if (cell.looking) {
      cell.stale = true;
      return;
    }
    cell.looking = true;
    cell.stale = false;
    cell.lookAgainAt = Number.POSITIVE_INFINITY;
    const cause = this.#cause;
    const ctx = this.#deps.context(cell.resource, this.#pass, this.#standing);
    void look(cell.resource, ctx, this.#signal)
      .then((found) => this.#seen(cell.resource, found, cause))
      .catch((error: unknown) => this.#deps.logger.error({ err: error, resource: cell.resource.id }, "look not taken"));
  }

  #seen(resource: Resource, found: Look, cause: Cause): void {
    const cell = this.#cells.get(resource.id);
    if (!cell || cell.resource.hash !== resource.hash) return;
    cell.looking = false;
    if (!cell.run) this.#take(cell, found, cause === "event");
    // It alone: two that were both asked for again while they were looked at would wake each other for ever.
    if (cell.stale) this.#forced.add(resource.id);
    this.#decideAll();
    this.#awake();
  }

  #take(cell: Cell, { verdict, observed }: Look, written: boolean): void {
    const now = this.#deps.clock.mono();
    cell.verdict = verdict;
    const lookedAt = checkedAt(cell.resource, observed, this.#deps.clock.now());
    if (isSlow(cell.resource) && cell.lookedAt !== lookedAt) this.#deps.onChange();
    cell.lookedAt = lookedAt;
    cell.lookAgainAt = this.#nextLook(cell, now);
    const drift = verdict.kind === "drift" ? verdict : null;
    cell.driftAt = drift ? (cell.driftAt ?? now) : null;
    cell.contended = drift
      ? this.#deps.contention.judge(cell.resource, drift.changes, this.#standing.policy.contention, written)
      : null;
    if (observed !== null && cell.resource.facts) {
      for (const [key, value] of Object.entries(cell.resource.facts(observed))) this.#facts.set(key, value);
    }
  }

  #nextLook(cell: Cell, now: number): number {
    const { everyMs } = cell.resource;
    const pace = everyMs === 0 ? Number.POSITIVE_INFINITY : now + everyMs * (0.95 + 0.1 * this.#deps.clock.random());
    if (cell.verdict?.kind !== "unknown") return pace;
    return Math.min(pace, now + (cell.verdict.code === "agent.in-transit" ? TRANSIT_MS : UNKNOWN_MS));
  }

  #decideAll(): void {
    let changed = false;
    for (const cell of this.#cells.values()) changed = this.#decide(cell) || changed;
    if (changed) this.#deps.onChange();
  }

  #decide(cell: Cell): boolean {
    const now = this.#deps.clock.now();
    if (cell.run) {
      const pause = cell.resource.long ? this.#deps.judge.pause(cell.resource.id, this.#standing) : null;
      if (pause) cell.run.abort.abort(new Error(`it is paused: ${pause.reason}`));
      return say(cell, now, "repairing", null, {});
    }
    const decision = this.#deps.judge.decide(cell, this.#standing, this.#cells);
    if (decision === null || (decision.act && this.#asksForUsers(cell))) return false;
    if (!decision.act) return say(cell, now, decision.state, decision.code ?? null, decision.args ?? {});
    try {
      this.#repair(cell);
      return say(cell, now, "repairing", null, {});
    } catch (error) {
      cell.lookAgainAt = this.#deps.clock.mono() + UNKNOWN_MS;
      return say(cell, now, "failed", "agent.journal-unwritable", { problem: messageOf(error) });
    }
  }

  /** A disturbing repair starts only on a count of users from this moment; true while that is being taken. */
  #asksForUsers(cell: Cell): boolean {
    const { service } = cell.resource;
    if (!service || cell.verdict?.kind !== "drift" || cell.verdict.disturbs === "none") return false;
    if (this.#deps.busy.isFresh(service)) return false;
    if (!cell.counting) {
      cell.counting = true;
      void this.#deps.busy.count(service).then(() => {
        const now = this.#cells.get(cell.resource.id);
        if (now) now.counting = false;
        this.#decideAll();
        this.#awake();
      });
    }
    return true;
  }

  #repair(cell: Cell): void {
    const { resource, verdict } = cell;
    if (verdict?.kind !== "drift") return;
    if (verdict.disturbs === "service") this.#stopJobsAfter(resource);
    this.#useApproval(resource);
    const cause =
      cell.driftAt !== null && this.#deps.store.retries.get(resource.id, resource.hash) ? "retry" : this.#cause;
    cell.run = this.#deps.runner.start(resource, verdict.changes, cause, this.#standing, this.#pass.id, (run, result) =>
      this.#ended(resource, run, result),
    );
  }

  #ended(resource: Resource, run: ActiveRun, result: RunResult): void {
    const cell = this.#cells.get(resource.id);
    if (!cell || cell.run !== run) return;
    cell.run = null;
    const known = result.verdict !== null && cell.resource.hash === resource.hash;
    if (known && result.verdict) this.#take(cell, { verdict: result.verdict, observed: result.observed }, false);
    const later = [...this.#cells.values()].filter((one) => one.resource.after.includes(resource.id));
    // A repair that failed makes doubtful what it stands on, whose own pace may be slow.
    const doubtful = result.end.outcome === "failed" ? resource.after : [];
    const again = [...later.map((one) => one.resource.id), ...doubtful];
    this.wake(this.#cause, known ? again : [resource.id, ...again]);
    this.#decideAll();
    this.#deps.onChange();
  }

  /** A disturbing repair cuts what depends on the service anyway: own jobs after it are given up and resumed. */
  #stopJobsAfter(resource: Resource): void {
    const resources = new Map([...this.#cells.values()].map((cell) => [cell.resource.id, cell.resource]));
    for (const cell of this.#cells.values()) {
      if (!cell.run || !cell.resource.long || !comesAfter(resources, cell.resource.id, resource.id)) continue;
      cell.run.abort.abort(new Error(`${resource.id} is repaired first`));
    }
  }

  #useApproval(resource: Resource): void {
    for (const approval of this.#standing.approvals) {
      if (approval.resource === resource.id && approval.hash === resource.hash)
        this.#deps.store.kept.set(resource.id, `approval:${approval.token}`, "used");
    }
  }

  #takeRetries(): void {
    for (const [id, token] of Object.entries(this.#standing.retry)) {
      if (this.#deps.store.kept.get(id, "retry") === token) continue;
      this.#deps.store.kept.set(id, "retry", token);
      this.repair([id]);
    }
  }

  /** The old declaration's run goes on under the new cell, so that there is never a second one; jobs are given up. */
  #supersede(old: Cell, cell: Cell): void {
    cell.run = old.run;
    if (old.run && old.resource.long) old.run.abort.abort(new Error("there is a newer declaration"));
  }

  #release(old: Cell, now: number): void {
    if (old.run && old.resource.long) old.run.abort.abort(new Error("it was taken out of the stack"));
    const cell = newCell(old.resource, now);
    say(cell, now, "released", null, {});
    this.#released.set(old.resource.id, cell);
  }

  async #sample(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const services = [...this.#cells.values()].flatMap((cell) => cell.resource.service ?? []);
      const distinct = [...new Map(services.map((service) => [service.port, service])).values()];
      await this.#deps.busy.sample(distinct).catch(() => undefined);
      await this.#deps.clock.sleep(SAMPLE_MS, signal).catch(() => undefined);
    }
  }

  /** Until somebody wakes the loop or the next thing is due. */
  async #rest(signal: AbortSignal): Promise<void> {
    if (this.#pending || this.#forced.size > 0 || signal.aborted) return;
    const next = [...this.#cells.values()].map((cell) => Math.min(cell.lookAgainAt, cell.decideAgainAt));
    const ms = Math.max(0, Math.min(IDLE_MS, ...next.map((at) => at - this.#deps.clock.mono())));
    const woken = new AbortController();
    this.#awake = () => woken.abort();
    await this.#deps.clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.#awake = () => undefined;
  }
}
