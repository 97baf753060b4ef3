import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { UpdateState, UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";
import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import type { ReleaseManifest, SignedManifest } from "@fettle/shared/release/manifest.ts";
import type { Logger } from "pino";
import type { Host } from "../system/host.ts";
import { copyArchive, nothingMore, readManifest } from "./by-hand.ts";
import { fetchArchive } from "./fetch-archive.ts";
import { judgeRelease } from "./judge.ts";
import { AGENT_UNIT, GUARD_UNIT, type UpdateLayout } from "./layout.ts";
import { type UpdateRecord, UpdateRecords } from "./record.ts";
import { verified } from "./signed.ts";
import type { ArchiveSource } from "./source.ts";
import { ensureSpace } from "./space.ts";
import { standDown, switchTo } from "./switch.ts";
import { dropOtherFetches, tidy } from "./tidy.ts";
import { trial } from "./trial.ts";
import { ownGuard, restoreUnits } from "./unit-files.ts";
import { unpackRelease } from "./unpack-release.ts";

export interface UpdaterParts {
  readonly host: Pick<Host, "files" | "archives" | "exec" | "units" | "clock" | "metrics">;
  readonly layout: UpdateLayout;
  /** The version of this program. */
  readonly running: string;
  readonly arch: ReleaseManifest["arch"];
  readonly wire: ReleaseManifest["wire"];
  /** Release keys that this machine trusts. */
  readonly keys: readonly string[];
  /** The coordinator's archives. */
  readonly source: ArchiveSource;
  /** Why this machine is not updated now; null when nothing is in the way. */
  readonly heldBack: () => FettleError | null;
  /** Connected to the coordinator, and the loop goes round. */
  readonly isWell: () => boolean;
  /** What is said of the update has changed. */
  readonly onChange: () => void;
  /** Into this machine's record of who did what. */
  readonly audit: (what: string) => void;
  readonly log: Logger;
}

type Wanted = Pick<AgentWanted, "token"> & { readonly release: SignedManifest };

/** An order to update, and where its archive comes from. */
interface Order extends Wanted {
  readonly source: ArchiveSource;
  /** Given on this machine itself: only a repair at work is in its way. */
  readonly byHand: boolean;
}

/** While something is in the way, it is looked again so often. */
const HELD_MS = 2_000;
const RESTART_MS = 90_000;
const WOKEN = new Error("woken");
/** What the release or this machine says no to; everything else went wrong on the way. */
const REFUSALS: ReadonlySet<string> = new Set([
  "update.unsigned",
  "update.untrusted",
  "update.bad-manifest",
  "update.wrong-product",
  "update.wrong-arch",
  "update.downgrade",
  "update.replayed",
  "update.too-old",
  "update.wire",
]);

/**
 * Keeps the agent's own program at the version that was asked for: verify, wait for a good moment, fetch, unpack beside,
 * switch. A request is taken up once; the same release again needs a new token. A version that was just switched to
 * proves itself first.
 */
export class Updater implements Service {
  readonly id = "update";
  readonly #parts: UpdaterParts;
  readonly #records: UpdateRecords;
  #wanted: Order | null = null;
  /** Goes before what the coordinator asks for, and is forgotten when it has ended. */
  #given: Order | null = null;
  #status: UpdateStatus | null = null;
  /** The token of the last request that was brought to an end. */
  #ended: string | null = null;
  #awake: () => void = () => undefined;
  #underWay: AbortController | null = null;

  constructor(parts: UpdaterParts) {
    this.#parts = parts;
    this.#records = new UpdateRecords(parts.host.files, parts.layout);
  }

  /** What the last update came to, or how it stands; read once before anything runs. */
  async load(): Promise<void> {
    const record = await this.#records.read();
    if (record === null) return;
    this.#status = statusOf(record);
    this.#ended = record.state === "trial" || record.state === "going-back" ? null : record.token;
  }

  status(): UpdateStatus | null {
    return this.#status;
  }

  /** What the coordinator asks for now; null for nothing. */
  want({ release, token }: Pick<AgentWanted, "release" | "token">): void {
    const before = this.#wanted;
    if (before?.release.manifest === release?.manifest && (before?.token ?? "") === (release === null ? "" : token))
      return;
    this.#wanted = release === null ? null : { release, token, source: this.#parts.source, byHand: false };
    if (this.#given === null) this.#turn();
  }

  /**
   * Takes up an archive that lies on this machine. Throws FettleError `update.no-file` and what the release is refused
   * for; from there on it goes like any other.
   */
  async takeFile(path: string): Promise<{ readonly from: string; readonly version: string }> {
    const { host, layout, running } = this.#parts;
    const release = await readManifest(host, path);
    const token = `by-hand-${host.clock.now()}`;
    const order: Order = { release, token, source: nothingMore, byHand: true };
    const manifest = await this.#judged(order);
    if (manifest === null) throw new FettleError("update.no-file", { path, problem: `${running} runs already` });
    await ensureSpace(host, layout, manifest);
    await copyArchive(host, layout, path, manifest);
    this.#given = order;
    this.#turn();
    return { from: running, version: manifest.version };
  }

  /** Something else is asked for. */
  #turn(): void {
    this.#underWay?.abort(new Error("something else is asked for"));
    this.#awake();
  }

  get #order(): Order | null {
    return this.#given ?? this.#wanted;
  }

  #heldBack(order: Order): FettleError | null {
    const held = this.#parts.heldBack();
    return order.byHand && held?.code !== "update.busy" ? null : held;
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      // On a full disk the agent still keeps its machine: nothing of an update is worth its end.
      await this.#takeUp(signal).catch((err: unknown) => {
        if (signal.aborted) throw err;
        this.#parts.log.error({ err }, "an update of an earlier life was not taken up");
      });
      while (!signal.aborted) {
        const order = this.#order;
        const held = order !== null && order.token !== this.#ended ? await this.#attempt(order, signal) : false;
        if (order !== null && order === this.#given && order.token === this.#ended) this.#given = null;
        if (order !== this.#order) continue;
        if (order === null && isOpen(this.#status)) this.#say(null);
        await this.#rest(held ? HELD_MS : null, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** What an earlier life, of this version or another, left under way. */
  async #takeUp(signal: AbortSignal): Promise<void> {
    const { host, layout, running, isWell } = this.#parts;
    const record = await this.#records.read();
    if (record?.state === "trial" && record.version === running) {
      await this.#finish(await trial(host, layout, this.#records, isWell, signal), signal);
    } else if (record?.state === "trial" && record.from === running) {
      // Cut off before the new version ran: nothing was tried, and it is done again from the start.
      await restoreUnits(host, layout, record.units);
      await this.#records.remove();
      await standDown(host, layout);
      this.#status = null;
    } else if (record !== null && isUntold(record)) {
      await this.#finish(record, signal);
    }
    await this.#raiseNewest();
    await ownGuard(host, layout, running);
  }

  /** The guard may still be at work on it; whoever installed another version by hand has ended it. */
  async #finish(record: UpdateRecord | null, signal: AbortSignal): Promise<void> {
    const { host, layout, running, audit } = this.#parts;
    let last = record;
    for (; last?.state === "going-back"; last = await this.#records.read()) {
      this.#say(statusOf(last));
      await host.clock.sleep(500, signal);
    }
    if (last?.state === "trial") {
      const error = new FettleError("update.interrupted", { version: last.version, running });
      last = { ...last, state: "failed", at: host.clock.now(), code: error.code, reason: error.message };
      await this.#records.write(last);
    }
    if (last === null) return;
    this.#ended = last.token;
    this.#say(statusOf(last));
    audit(`update ${last.from} -> ${last.version}: ${last.state}${last.code === undefined ? "" : ` (${last.code})`}`);
    if (last.state === "rolled-back") await this.#records.write({ ...last, told: true });
    if (last.state === "done") await tidy(host, layout, [last.from, last.version]);
  }

  async #raiseNewest(): Promise<void> {
    const { running } = this.#parts;
    const newest = await this.#records.newest();
    if (newest === null || compareVersions(running, newest) > 0) await this.#records.raiseNewest(running);
  }

  /** True when it has to wait. */
  async #attempt(order: Order, signal: AbortSignal): Promise<boolean> {
    const underWay = new AbortController();
    this.#underWay = underWay;
    let version = claimedVersion(order.release);
    try {
      const manifest = await this.#judged(order);
      if (manifest === null) {
        this.#ended = order.token;
        return false;
      }
      version = manifest.version;
      return await this.#update(order, manifest, AbortSignal.any([signal, underWay.signal]));
    } catch (error) {
      if (signal.aborted) throw error;
      if (!underWay.signal.aborted) await this.#failed(order, version, error);
      return false;
    } finally {
      this.#underWay = null;
    }
  }

  /** The manifest when it is an update of this agent; null when there is nothing to do. */
  async #judged({ release }: Order): Promise<ReleaseManifest | null> {
    const { keys, running, arch, wire } = this.#parts;
    const manifest = verified(release, keys);
    const newest = (await this.#records.newest()) ?? running;
    return judgeRelease(manifest, { running, newest, arch, wire }) === "same" ? null : manifest;
  }

  async #update(order: Order, manifest: ReleaseManifest, signal: AbortSignal): Promise<boolean> {
    const { host, layout } = this.#parts;
    const { version } = manifest;
    const held = this.#heldBack(order);
    if (held !== null) return this.#hold(order, version, held);
    this.#note(order, version, "fetching");
    await ensureSpace(host, layout, manifest);
    await dropOtherFetches(host, layout, manifest);
    const archive = await fetchArchive(host, layout, order.source, manifest, signal);
    const folder = await unpackRelease(host, layout, archive, manifest, signal).finally(() =>
      host.files.remove(archive),
    );
    for (let late = this.#heldBack(order); late !== null; late = this.#heldBack(order)) {
      this.#hold(order, version, late);
      await host.clock.sleep(HELD_MS, signal);
    }
    // Up to here it can be taken away again, as when another node has its turn.
    signal.throwIfAborted();
    this.#note(order, version, "switching");
    await this.#switch(order, version, folder, signal);
    return false;
  }

  async #switch({ token }: Order, version: string, folder: string, signal: AbortSignal): Promise<void> {
    const { host, layout, running: from, log } = this.#parts;
    try {
      const record = await switchTo(host, layout, this.#records, { from, version, token, folder });
      this.#ended = token;
      this.#say(statusOf(record));
      log.info({ from, version }, "switched to another version; this one ends now");
      // This process is ended by it; if it is not, the guard puts this version back.
      await host.units.restart(AGENT_UNIT, { timeoutMs: RESTART_MS, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      await this.#backOut(from);
      throw new FettleError("update.switch-failed", { version, problem: messageOf(error) }, { cause: error });
    }
  }

  /** The switch did not come about: this version stays, and the guard has nothing to watch. */
  async #backOut(from: string): Promise<void> {
    const { host, layout, log } = this.#parts;
    await host.files.link(from, `${layout.programs}/current`).catch(() => undefined);
    const record = await this.#records.read();
    if (record?.state === "trial")
      await restoreUnits(host, layout, record.units).catch((err: unknown) => log.error({ err }, "units stay"));
    await this.#records.remove();
    await standDown(host, layout).catch(() => undefined);
    await host.units.stop(GUARD_UNIT).catch(() => undefined);
    await this.#records.release().catch(() => undefined);
  }

  #hold(order: Order, version: string, error: FettleError): true {
    this.#note(order, version, "waiting", error);
    return true;
  }

  async #failed(order: Order, version: string, error: unknown): Promise<void> {
    const { host, running, audit, log } = this.#parts;
    const known =
      error instanceof FettleError
        ? error
        : new FettleError(
            "update.switch-failed",
            { version, problem: messageOf(error).slice(0, 300) },
            { cause: error },
          );
    const state = REFUSALS.has(known.code) ? "refused" : "failed";
    log.error({ err: error, version, code: known.code }, "an update was not made");
    const at = host.clock.now();
    const reason = known.message.slice(0, 2_000);
    const record = { state, version, from: running, token: order.token, at, code: known.code, reason } as const;
    // So that it is not tried again after a restart; on a full disk it is, and fails the same way.
    await this.#records
      .write({ ...record, startedAt: 0, bootId: "", told: false, boots: 0, restarts: 0, units: {} })
      .catch((err: unknown) => log.error({ err }, "the update's end was not kept"));
    this.#ended = order.token;
    this.#note(order, version, state, known);
    audit(`update ${running} -> ${version}: ${state} (${known.code})`);
  }

  #note({ token }: Order, version: string, state: UpdateState, error?: FettleError): void {
    const { running: from, host } = this.#parts;
    const why = error === undefined ? {} : { code: error.code, reason: error.message.slice(0, 2_000) };
    const same = this.#status?.token === token && this.#status.state === state && this.#status.code === error?.code;
    if (same) return;
    this.#say({ version, from, state, at: host.clock.now(), token, ...why });
  }

  #say(status: UpdateStatus | null): void {
    this.#status = status;
    this.#parts.onChange();
  }

  async #rest(ms: number | null, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#awake = () => woken.abort(WOKEN);
    const both = AbortSignal.any([signal, woken.signal]);
    await this.#parts.host.clock.sleep(ms ?? 2 ** 31 - 1, both).catch(() => undefined);
    this.#awake = () => undefined;
  }
}

/** Said before it is verified, for the report of its refusal alone. */
function claimedVersion({ manifest }: SignedManifest): string {
  return /"version"\s*:\s*"([0-9.]{1,20})"/.exec(manifest)?.[1] ?? "unknown";
}

/** Its end has yet to be said here: the guard puts a version back and says nothing, often before this one runs again. */
function isUntold({ state, told }: UpdateRecord): boolean {
  return state === "trial" || state === "going-back" || (state === "rolled-back" && !told);
}

/** Something that ends when nobody asks for it any more. */
function isOpen(status: UpdateStatus | null): boolean {
  return status !== null && ["waiting", "fetching", "switching"].includes(status.state);
}

function statusOf({ state, version, from, token, at, code, reason }: UpdateRecord): UpdateStatus {
  const said = state === "going-back" ? "trial" : state;
  return { version, from, state: said, at, token, ...(code && { code }), ...(reason && { reason }) };
}
