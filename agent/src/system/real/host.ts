import type { Host } from "../host.ts";
import { realArchives } from "./archives.ts";
import { realClock } from "./clock.ts";
import { realExec } from "./exec.ts";
import { realFiles } from "./files.ts";
import { realHttp } from "./http.ts";
import { realLocalSocket } from "./local-socket.ts";
import { realMetrics } from "./metrics.ts";
import { realNet } from "./net.ts";
import { realProc } from "./proc.ts";
import { realPty } from "./pty.ts";
import { realRelay } from "./relay.ts";
import { Bus } from "./systemd/bus.ts";
import { RealUnits } from "./systemd/units.ts";
import { watchUnits } from "./systemd/watch-units.ts";
import { watchFiles } from "./watch-files.ts";

/** This machine. Opens nothing until it is asked for something. */
export function makeRealHost(): Host {
  const bus = new Bus();
  return {
    files: realFiles,
    archives: realArchives,
    exec: realExec,
    pty: realPty,
    units: new RealUnits(bus),
    http: realHttp,
    net: realNet,
    proc: realProc,
    watch: { files: watchFiles, units: (names, onChange) => watchUnits(bus, names, onChange) },
    localSocket: realLocalSocket,
    relay: realRelay,
    metrics: realMetrics,
    clock: realClock,
  };
}
