import type { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Log } from "@fettle/shared/protocol/log.ts";
import type { Metrics } from "@fettle/shared/protocol/metrics.ts";
import type { Records } from "@fettle/shared/protocol/records.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { Peer, ShownCertificate } from "./peer.ts";

/**
 * What the hub is handed. One connection's frames arrive one after the other; a rejection ends that connection, and
 * the agent sends everything again on the next. What is acknowledged when a promise resolves has to be on disk.
 */
export interface HubHandlers {
  /** Throws one of the `identity.*` codes. Asked at each request. */
  identify(certificate: ShownCertificate): Promise<Peer>;
  /**
   * Whether this machine may serve as the node; throws an `identity.*` code to refuse it. `other` is the hello of a
   * session that another machine holds now with the same certificate.
   */
  judge(peer: Peer, hello: Hello, other: Hello | null): Promise<void>;
  onHello(peer: Peer, hello: Hello): Promise<void>;
  onReport(peer: Peer, report: Report): Promise<void>;
  onRecords(peer: Peer, records: Records): Promise<void>;
  onLog(peer: Peer, log: Log): Promise<void>;
  onMetrics(peer: Peer, metrics: Metrics): Promise<void>;
  /** The connection serves from now on. */
  onConnected(peer: Peer): void;
  onDisconnected(peer: Peer, end: FettleError): void;
  /** A connection was turned away or ended for a fault; `peer` is null while it is not known who it is. */
  onRefused(peer: Peer | null, error: FettleError): void;
  /** More than half of the agents went away at once. */
  onFleetLost(gone: number, all: number): void;
  /** A handler failed in a way that has no code. */
  onFault(peer: Peer, error: unknown): void;
}
