import { join } from "node:path";
import type { Host } from "@fettle/agent/system/host.ts";
import { realArchives } from "@fettle/agent/system/real/archives.ts";
import { realClock } from "@fettle/agent/system/real/clock.ts";
import { realLocalSocket } from "@fettle/agent/system/real/local-socket.ts";
import { realProc } from "@fettle/agent/system/real/proc.ts";
import { realRelay } from "@fettle/agent/system/real/relay.ts";
import { watchFiles } from "@fettle/agent/system/real/watch-files.ts";
import { rootedExec, rootedPty } from "./rooted-exec.ts";
import { rootedFiles } from "./rooted-files.ts";
import { sandboxHttp } from "./sandbox-http.ts";
import { sandboxMetrics } from "./sandbox-metrics.ts";
import { sandboxNet } from "./sandbox-net.ts";
import { UnitsClient } from "./units-client.ts";

export interface SandboxMachine {
  /** Stands for `/`. */
  readonly root: string;
  /** The machine's own loopback address, as in 127.31.11.27. */
  readonly address: string;
  /** The Unix socket of the machine's unit manager. */
  readonly socket: string;
  /** Host name -> base URL: where names of the outside world lead here, as a name server would say it. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** A machine that is a folder, a loopback address and a unit manager; everything else is the real thing. */
export function makeSandboxHost(machine: SandboxMachine): Host {
  const rooted = (path: string) => join(machine.root, path);
  const units = new UnitsClient(machine.socket);
  return {
    files: rootedFiles(rooted),
    archives: {
      unpackCommand: (archive, into) => realArchives.unpackCommand(rooted(archive), rooted(into)),
      unpackUnit: (order) =>
        realArchives.unpackUnit({ ...order, archive: rooted(order.archive), into: rooted(order.into) }),
    },
    exec: rootedExec(rooted),
    pty: rootedPty(rooted),
    units,
    http: sandboxHttp({ rooted, address: machine.address, hosts: machine.hosts ?? {} }),
    net: sandboxNet(machine.address),
    proc: realProc,
    watch: {
      files: (paths, onChange) => watchFiles(paths.map(rooted), (path) => onChange(path.slice(machine.root.length))),
      units: (names, onChange) => units.watch(names, onChange),
    },
    localSocket: {
      serve: (path, handle, signal) => realLocalSocket.serve(rooted(path), handle, signal),
      call: (path, call, deadlineMs) => realLocalSocket.call(rooted(path), call, deadlineMs),
    },
    relay: realRelay,
    metrics: sandboxMetrics(machine.root),
    clock: realClock,
  };
}
