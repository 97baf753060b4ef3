import { type FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Log } from "@fettle/shared/protocol/log.ts";
import { machineOf } from "@fettle/shared/protocol/machine.ts";
import type { Metrics } from "@fettle/shared/protocol/metrics.ts";
import type { Records } from "@fettle/shared/protocol/records.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { HubHandlers } from "../hub/handlers.ts";
import type { Peer, ShownCertificate } from "../hub/peer.ts";
import type { Store } from "../store/store.ts";
import { Allowance } from "./allowance.ts";
import { type NewEvent, textOf } from "./event-feed.ts";
import { takeHello } from "./hello.ts";
import { identify } from "./identify.ts";
import { judgeMachine } from "./judge-machine.ts";
import { takeLog } from "./log.ts";
import { takeMetrics } from "./metrics.ts";
import type { IngestParts, TakerParts } from "./parts.ts";
import { takeRecords } from "./records.ts";
import { takeReport } from "./report.ts";

const MINUTE_MS = 60_000;
const EVENTS_PER_MINUTE = 300;
const SAMPLE_MS = 5_000;

/** What comes up from the agents, on its way into the store. It is what the hub is handed. */
export class Ingest implements HubHandlers {
  readonly #parts: TakerParts;
  readonly #refusals: Allowance;
  readonly #samples: Allowance;

  constructor(parts: IngestParts) {
    this.#parts = { ...parts, allowance: new Allowance(parts.clock, EVENTS_PER_MINUTE, MINUTE_MS) };
    this.#refusals = new Allowance(parts.clock, 1, 10 * MINUTE_MS);
    this.#samples = new Allowance(parts.clock, 1, SAMPLE_MS);
  }

  async identify(certificate: ShownCertificate): Promise<Peer> {
    return await identify(this.#parts, certificate);
  }

  async judge(peer: Peer, hello: Hello, other: Hello | null): Promise<void> {
    await judgeMachine(this.#parts, peer, machineOf(hello), other && machineOf(other));
  }

  async onHello(peer: Peer, hello: Hello): Promise<void> {
    await takeHello(this.#parts, peer, hello);
  }

  async onReport(peer: Peer, report: Report): Promise<void> {
    await takeReport(this.#parts, peer, report);
  }

  async onRecords(peer: Peer, records: Records): Promise<void> {
    await takeRecords(this.#parts, peer, records);
  }

  async onLog(peer: Peer, log: Log): Promise<void> {
    await takeLog(this.#parts, peer, log);
  }

  async onMetrics(peer: Peer, metrics: Metrics): Promise<void> {
    if (this.#samples.take(peer.node) === 1) await takeMetrics(this.#parts, peer, metrics);
  }

  onConnected(peer: Peer): void {
    this.#parts.logger.info(peer, "agent connected");
    this.#record({ ...peer, kind: "node.connected", text: `${peer.node} connected` });
    this.#parts.touch(peer.node);
  }

  onDisconnected(peer: Peer, { code, message }: FettleError): void {
    const { store, clock, logger, touch } = this.#parts;
    logger.info({ ...peer, code }, "agent disconnected");
    const text = `${peer.node} disconnected: ${message}`;
    this.#record({ ...peer, kind: "node.disconnected", severity: "warning", code, text });
    store.nodes.seen(peer.node, clock.now()).catch((error: unknown) => this.onFault(peer, error));
    touch(peer.node);
  }

  onRefused(peer: Peer | null, error: FettleError): void {
    const node = peer?.node ?? String(error.args.node ?? "");
    if (this.#refusals.take(`${node} ${error.code}`) === 0) return;
    this.#parts.logger.warn({ node, code: error.code, reason: error.message }, "agent refused");
    if (node === "") return;
    const event = { node, kind: "node.rejected", code: error.code, ...textOf(error.code, error.args) } as const;
    this.#later(async ({ nodes }) => [{ ...event, stack: peer?.stack ?? (await nodes.get(node))?.stack ?? "" }]);
  }

  onFleetLost(gone: number, all: number): void {
    this.#parts.logger.warn({ gone, all }, "most agents went away at once");
    const event = { kind: "fleet.lost", code: "link.fleet-lost", ...textOf("link.fleet-lost", { gone, all }) } as const;
    this.#later(async ({ stacks }) => (await stacks.all()).map(({ stack }) => ({ ...event, stack })));
  }

  onFault(peer: Peer, error: unknown): void {
    this.#parts.logger.error({ ...peer, err: error }, "what an agent sent was not stored");
  }

  #record(event: NewEvent): void {
    this.#later(async () => [event]);
  }

  /** Records events that nobody waits for. */
  #later(events: (store: Store) => Promise<NewEvent[]>): void {
    const { store, events: feed, logger } = this.#parts;
    events(store)
      .then((list) => feed.record(...list))
      .catch((error: unknown) => logger.error({ reason: messageOf(error) }, "event not recorded"));
  }
}
