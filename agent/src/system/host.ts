import type { Archives } from "./archives.ts";
import type { Clock } from "./clock.ts";
import type { Exec } from "./exec.ts";
import type { Files } from "./files.ts";
import type { Http } from "./http.ts";
import type { LocalSocket } from "./local-socket.ts";
import type { Metrics } from "./metrics.ts";
import type { Net } from "./net.ts";
import type { Proc } from "./proc.ts";
import type { Pty } from "./pty.ts";
import type { Relay } from "./relay.ts";
import type { Units } from "./units.ts";
import type { Watch } from "./watch.ts";

/**
 * The machine, as everything above sees it. The agent has one implementation (`real/`); the sandbox hands the same
 * `context.ts` another. Nothing else in the agent touches files, processes, units or the network.
 */
export interface Host {
  readonly files: Files;
  readonly archives: Archives;
  readonly exec: Exec;
  readonly pty: Pty;
  readonly units: Units;
  readonly http: Http;
  readonly net: Net;
  readonly proc: Proc;
  readonly watch: Watch;
  readonly localSocket: LocalSocket;
  readonly relay: Relay;
  readonly metrics: Metrics;
  readonly clock: Clock;
}
