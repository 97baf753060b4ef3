import { log as logSchema } from "@fettle/shared/protocol/log.ts";
import { MAX_REPORT_BYTES, type Report } from "@fettle/shared/protocol/report.ts";
import { nextBatch } from "./batch.ts";
import type { Channel } from "./channel.ts";
import { fitReport } from "./fit-report.ts";
import type { LinkParts } from "./parts.ts";
import { soundReport } from "./sound.ts";
import { Wake } from "./wake.ts";

const METRICS_MS = 15_000;
/** Least time between two reports. */
const REPORT_MS = 1_000;
/** Least time between two frames of records and of logs: together with the rest below 20 frames a second. */
const RECORDS_MS = 250;
const LOG_MS = 125;
/** After so long without an acknowledgement the same is sent again, and so often it is looked whether something is owed. */
const AGAIN_MS = 30_000;
/** While the peer takes nothing, what is lossy is not sent. */
const MAX_BACKLOG = 256 * 1024;

/**
 * What the agent owes its coordinator. Keeps nothing but flags: the report is read when it is sent, records and logs
 * come from the journal until they are acknowledged, metrics are forgotten.
 */
export class Outbox {
  readonly #parts: LinkParts;
  readonly #report = new Wake();
  readonly #records = new Wake();
  readonly #logs = new Wake();
  readonly #acked = new Wake();
  readonly #logAcked = new Wake();

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  reportChanged(): void {
    this.#report.set();
  }

  recordsChanged(): void {
    this.#records.set();
    this.#logs.set();
  }

  onAck(ids: readonly string[]): void {
    this.#parts.store.runs.acknowledge(ids);
    this.#parts.store.audit.acknowledge(ids);
    this.#acked.set();
  }

  onLogAck(runId: string, seq: number): void {
    this.#parts.store.logs.acknowledge(runId, seq);
    this.#logAcked.set();
  }

  /** The present report, within the wire's rules and size. */
  report(): Report {
    const sound = soundReport(this.#parts.currentReport(), (problem) => this.#bad("report", problem));
    return fitReport(sound, MAX_REPORT_BYTES);
  }

  /** Sends what is owed until the signal fires; `sent` is the report that hello carried. */
  async run(channel: Channel, sent: Report, signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#sendReports(channel, sent, signal),
      this.#sendRecords(channel, signal),
      this.#sendLogs(channel, signal),
      this.#sendMetrics(channel, signal),
    ]);
  }

  async #sendReports(channel: Channel, sent: Report, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (let last = JSON.stringify(sent); ; ) {
      await this.#report.wait(clock, AGAIN_MS, signal);
      const report = this.report();
      const text = JSON.stringify(report);
      if (text === last) continue;
      channel.send("report", report);
      last = text;
      await clock.sleep(REPORT_MS, signal);
    }
  }

  async #sendRecords(channel: Channel, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#parts;
    for (;;) {
      const batch = nextBatch(store, (problem) => this.#bad("record", problem));
      if (batch === null) {
        await this.#records.wait(clock, AGAIN_MS, signal);
        continue;
      }
      channel.send("records", batch);
      await this.#acked.wait(clock, AGAIN_MS, signal);
      await clock.sleep(RECORDS_MS, signal);
    }
  }

  async #sendLogs(channel: Channel, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#parts;
    for (;;) {
      const chunk = store.logs.owed(1)[0];
      if (chunk === undefined) {
        await this.#logs.wait(clock, AGAIN_MS, signal);
        continue;
      }
      if (logSchema.safeParse(chunk).success) {
        channel.send("log", chunk);
        await this.#logAcked.wait(clock, AGAIN_MS, signal);
      } else {
        this.#bad("log", `chunk ${chunk.seq} of ${chunk.runId}`);
        store.logs.acknowledge(chunk.runId, chunk.seq);
      }
      await clock.sleep(LOG_MS, signal);
    }
  }

  async #sendMetrics(channel: Channel, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#parts;
    for (;;) {
      await clock.sleep(METRICS_MS, signal);
      if (channel.backlog < MAX_BACKLOG) channel.send("metrics", { at: clock.now(), values: { ...metrics() } });
    }
  }

  #bad(what: string, problem: string): void {
    this.#parts.log.error({ what, problem }, "something that the wire does not take was left out");
  }
}
