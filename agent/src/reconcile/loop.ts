import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import { facts as wireFacts } from "@fettle/shared/protocol/facts.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { Cause } from "@fettle/shared/protocol/run-record.ts";
import type { Logger } from "pino";
import type { Pass, Resource, ResourceContext } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Backoffs } from "./backoffs.ts";
import type { Busy } from "./busy.ts";
import { type ActiveLook, type ActiveRun, type Cell, isSlow, reportOf, say } from "./cell.ts";
import { Cells, stopJob } from "./cells.ts";
import type { Contention } from "./contention.ts";
import type { Judge } from "./judge.ts";
import { type Look, look } from "./look.ts";
import { order } from "./order.ts";
import { lookAgainAt, needsLook } from "./pace.ts";
import { newPass } from "./pass.ts";
import type { RunResult } from "./run-resource.ts";
import type { Runner } from "./runner.ts";
import { type Cut, saysOther } from "./said.ts";
import { NOTHING, type Standing } from "./standing.ts";

export interface LoopDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<Store, "kept">;
  readonly backoffs: Backoffs;
  readonly busy: Busy;
  readonly judge: Judge;
  readonly runner: Runner;
  readonly contention: Contention;
  readonly context: (resource: Resource, pass: Pass, standing: Standing) => ResourceContext;
  readonly cut: Cut;
  /** Something that is reported has changed. */
  readonly onChange: () => void;
}

const IDLE_MS = 28_000;
const WOKEN = new Error("woken");
/** While the journal cannot be used nothing is changed; so long it is not asked again. */
const TROUBLE_MS = 5_000;

/**
 * The agent's reconcile loop. Level, not edge: a wake says only "look again". Looks run beside each other and beside
 * repairs; what a look finds is decided together with the state of everything it comes after.
 */
export class Loop implements Service {
  readonly id = "loop";
  readonly #deps: LoopDeps;
  readonly #cells = new Cells();
  readonly #facts = new Map<string, string>();
  #standing: Standing = NOTHING;
  /** Why everything without a pace of its own is looked at in the next pass; null when nobody woke the loop. */
  #woken: Cause | null = "sweep";
  /** What is looked at in the next pass whatever its pace, and why. */
  #asked = new Map<string, Cause>();
  #trouble: { readonly problem: string; readonly until: number } | null = null;
  #awake: () => void = () => undefined;
  #signal: AbortSignal = AbortSignal.abort();
  #pass: Pass = newPass("");
  #tickedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#awake(), { once: true });
    const services = () => [...this.#cells].flatMap(({ resource }) => resource.service ?? []);
    const sampling = this.#deps.busy.run(services, signal);
    while (!signal.aborted) {
      this.#tick();
      await this.#rest(signal);
    }
    const runs = this.#cells.runs();
    for (const { abort } of runs) abort.abort(new Error("the agent stops"));
    await Promise.all([sampling, ...runs.map(({ done }) => done)]);
  }

  /** Look again. `ids` are looked at whatever their pace. */
  wake(cause: Cause, ids: readonly string[] = []): void {
    this.#woken = cause;
    this.#ask(ids, cause);
  }

  /** A new desired state: unchanged resources keep what is known of them, jobs of changed ones are given up. */
  set(standing: Standing): void {
    const { refusals, approvals } = this.#standing;
    this.#cells.replace(order(standing.resources), this.#deps.clock.now());
    this.#standing = standing;
    this.#deps.backoffs.keepOnly(new Set(standing.resources.map(({ id }) => id)));
    this.#mustLook(
      [...refusals.keys()].filter((id) => !standing.refusals.has(id)),
      "desired",
    );
    this.#takeRetries();
    const known = new Set(approvals.map(({ token }) => token));
    const approved = standing.approvals.filter(({ token }) => !known.has(token)).map(({ resource }) => resource);
    this.wake("desired", approved);
    this.#deps.onChange();
  }

  /** Forgets backoff and contention of the resources and looks at once. */
  repair(ids: readonly string[]): void {
    for (const id of ids) {
      const cell = this.#cells.get(id);
      if (!cell) continue;
      cell.contended = null;
      this.#deps.backoffs.reset(cell.resource);
      this.#deps.contention.reset(id);
      this.#deps.backoffs.save(cell.resource);
    }
    this.wake("operator", ids);
  }

  resources(): ResourceReport[] {
    return this.#cells.all().map((cell) => reportOf(cell, this.#deps.cut));
  }

  facts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#facts);
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Monotonic ms of the last pass; it rests for 28 s at most. */
  get tickedAt(): number {
    return this.#tickedAt;
  }

  /** A repair that is not to be cut off: of the resources under repair the first that is no resumable job. */
  get applying(): string | null {
    return [...this.#cells].find(({ run, resource }) => run !== null && !resource.long)?.resource.id ?? null;
  }

  #tick(): void {
    const now = this.#deps.clock.mono();
    this.#tickedAt = now;
    const [woken, asked] = [this.#woken, this.#asked];
    this.#woken = null;
    this.#asked = new Map();
    this.#pass = newPass(uuidv7(this.#deps.clock.now()));
    this.#deps.runner.bookLeft();
    const due = needsLook(this.#cells, now);
    for (const cell of this.#cells) {
      const { id, everyMs } = cell.resource;
      const cause = asked.get(id) ?? (everyMs === 0 ? woken : null) ?? (due.has(cell) ? "sweep" : null);
      if (cause !== null) this.#look(cell, cause);
    }
    this.#decideAll();
  }

  #ask(ids: Iterable<string>, cause: Cause): void {
    for (const id of ids) this.#asked.set(id, cause);
    this.#awake();
  }

  /** Nothing is done to these before a look that begins from now on, whatever their pace. */
  #mustLook(ids: readonly string[], cause: Cause): void {
    for (const id of ids) {
      const cell = this.#cells.get(id);
      if (!cell) continue;
      cell.stale = true;
      cell.look = null;
    }
    this.#ask(ids, cause);
  }

  #look(cell: Cell, cause: Cause): void {
    cell.lookAgainAt = Number.POSITIVE_INFINITY;
    if (this.#standing.refusals.has(cell.resource.id)) {
      cell.stale = false;
      return;
    }
    if (cell.run || cell.look) {
      cell.again = cause;
      return;
    }
    const { resource } = cell;
    const [pass, standing, begun] = [this.#pass, this.#standing, { cause }];
    cell.look = begun;
    cell.again = null;
    const context = () => this.#deps.context(resource, pass, standing);
    void look(resource, { clock: this.#deps.clock, context, signal: this.#signal })
      .then((found) => this.#seen(resource.id, begun, found))
      .catch((err: unknown) => this.#deps.logger.error({ err, resource: resource.id }, "a look was not taken"));
  }

  #seen(id: string, begun: ActiveLook, found: Look): void {
    const cell = this.#cells.get(id);
    // Another declaration, a run, or a repair of what it rests on: what was seen is from before.
    if (cell?.look !== begun || this.#signal.aborted) return;
    cell.look = null;
    cell.stale = false;
    this.#take(cell, found, begun.cause);
    if (cell.again !== null) this.#ask([id], cell.again);
    this.#decideAll();
    this.#awake();
  }

  #take(cell: Cell, { verdict, from, checkedAt, againMs, facts }: Look, cause: Cause): void {
    const { resource } = cell;
    const now = this.#deps.clock.mono();
    if (saysOther(cell.verdict, verdict) || (isSlow(resource) && cell.lookedAt !== checkedAt)) this.#deps.onChange();
    cell.verdict = verdict;
    cell.seenFrom = from;
    cell.lookedAt = checkedAt;
    cell.unknownAt = verdict.kind === "unknown" ? (cell.unknownAt ?? now) : null;
    cell.lookAgainAt = Math.min(
      lookAgainAt(cell, now, this.#deps.clock.random()),
      now + (againMs ?? Number.POSITIVE_INFINITY),
    );
    // What cannot be seen for a moment has not gone away: its users have waited for it.
    if (verdict.kind === "drift") cell.drift ??= { at: now, cause };
    else if (verdict.kind !== "unknown") cell.drift = null;
    cell.contended = this.#contended(cell, cause);
    this.#takeFacts(facts);
  }

  #contended({ resource, verdict }: Cell, cause: Cause): Cell["contended"] {
    if (verdict?.kind !== "drift") return null;
    const { contention } = this.#standing.policy;
    try {
      return this.#deps.contention.judge(resource, verdict.changes, contention, cause === "event");
    } catch (error) {
      this.#stumbled(error);
      return null;
    }
  }

  /** What the wire does not take is no fact. */
  #takeFacts(found: Readonly<Record<string, string>>): void {
    const shape: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>> = wireFacts.shape;
    for (const [key, value] of Object.entries(found))
      if (shape[key]?.safeParse(value).success) this.#facts.set(key, this.#deps.cut(value));
  }

  #decideAll(): void {
    if (this.#signal.aborted) return;
    let changed = false;
    for (const cell of this.#cells) {
      const before = cell.state;
      changed = this.#decide(cell) || changed;
      if (cell.state === "in-sync" && before !== "in-sync") this.#askUnknownAfter(cell);
    }
    if (changed) this.#deps.onChange();
  }

  /** What could not be known without this one is known now: a server that listens again, say. */
  #askUnknownAfter({ resource }: Cell): void {
    const unknown = this.#cells.after(resource.id).filter(({ verdict }) => verdict?.kind === "unknown");
    this.#ask(
      unknown.map((one) => one.resource.id),
      "sweep",
    );
  }

  /** True when something else is said of it than before. */
  #decide(cell: Cell): boolean {
    const { clock, judge } = this.#deps;
    const now = clock.now();
    try {
      if (cell.run) {
        const why = cell.resource.long ? judge.stops(cell, this.#standing) : null;
        if (why !== null) stopJob(cell, why);
        return say(cell, now, "repairing", null, {});
      }
      const decision = judge.decide(cell, this.#standing, this.#cells);
      if (decision === null) return false;
      if (!decision.act) return say(cell, now, decision.state, decision.code ?? null, decision.args ?? {});
      if (this.#trouble !== null && clock.mono() < this.#trouble.until) return this.#sayTrouble(cell);
      if (this.#asksForUsers(cell)) return false;
      this.#repair(cell);
      return say(cell, now, "repairing", null, {});
    } catch (error) {
      this.#stumbled(error);
      return this.#sayTrouble(cell);
    }
  }

  /** The journal could not be read or written. */
  #stumbled(error: unknown): void {
    this.#trouble = { problem: messageOf(error), until: this.#deps.clock.mono() + TROUBLE_MS };
  }

  #sayTrouble(cell: Cell): boolean {
    const { problem, until } = this.#trouble ?? { problem: "", until: 0 };
    cell.decideAgainAt = until;
    return say(cell, this.#deps.clock.now(), "failed", "agent.journal-unwritable", { problem });
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
    const { resource, verdict, drift } = cell;
    if (verdict?.kind !== "drift") return;
    const cause = this.#deps.backoffs.failures(resource) > 0 ? "retry" : (drift?.cause ?? "sweep");
    const order = {
      resource,
      changes: verdict.changes,
      cause,
      standing: this.#standing,
      passId: this.#pass.id,
    } as const;
    cell.run = this.#deps.runner.start(order, (run, result) => this.#ended(resource, run, result));
    cell.look = null;
    if (verdict.disturbs === "service") this.#stopJobsAfter(resource);
  }

  #ended(resource: Resource, run: ActiveRun, { end, look }: RunResult): void {
    const cell = this.#cells.holding(run);
    if (!cell) return;
    cell.run = null;
    cell.problem = end.outcome === "failed" ? end.reason : null;
    for (const prefix of resource.touches) this.#pass.forget(prefix);
    this.#deps.onChange();
    if (this.#signal.aborted || this.#cells.get(resource.id) !== cell) return;
    const known = look !== null && cell.resource.hash === resource.hash;
    if (known) this.#take(cell, look, run.cause);
    if (cell.again !== null) this.#ask([resource.id], cell.again);
    const later = this.#cells.after(resource.id).map((one) => one.resource);
    if (end.outcome === "repaired") for (const one of later) this.#deps.backoffs.hasten(one);
    const ids = later.map(({ id }) => id);
    this.#mustLook(known ? ids : [resource.id, ...ids], run.cause);
    // A repair that failed makes doubtful what it stands on, whose own pace may be slow.
    if (end.outcome === "failed") this.#ask(resource.after, run.cause);
    this.#decideAll();
  }

  /** A disturbing repair cuts what depends on the service anyway: own jobs after it are given up and resumed. */
  #stopJobsAfter(resource: Resource): void {
    for (const cell of this.#cells.after(resource.id)) stopJob(cell, `${resource.id} is repaired first`);
  }

  /** A token is taken once; what the journal does not take is tried with the next desired state. */
  #takeRetries(): void {
    const { kept } = this.#deps.store;
    for (const [id, token] of Object.entries(this.#standing.retry)) {
      try {
        if (!this.#cells.get(id) || kept.get(id, "retry") === token) continue;
        this.repair([id]);
        kept.set(id, "retry", token);
      } catch (error) {
        this.#stumbled(error);
      }
    }
  }

  /** Until somebody wakes the loop or the next thing is due. */
  async #rest(signal: AbortSignal): Promise<void> {
    if (this.#woken !== null || this.#asked.size > 0 || signal.aborted) return;
    const next = [...this.#cells].map((cell) => Math.min(cell.lookAgainAt, cell.decideAgainAt));
    const ms = Math.max(0, Math.min(IDLE_MS, ...next.map((at) => at - this.#deps.clock.mono())));
    const woken = new AbortController();
    // With a reason: an abort without one makes a DOMException with its stack each time.
    this.#awake = () => woken.abort(WOKEN);
    await this.#deps.clock.sleep(ms, woken.signal).catch(() => undefined);
    this.#awake = () => undefined;
  }
}
