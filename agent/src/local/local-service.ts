import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { LocalSocket } from "../system/local-socket.ts";
import { handleLocal } from "./handle.ts";
import type { LocalAgent } from "./local-agent.ts";

/** Serves the commands on this machine; it works without a coordinator. */
export function localService(socket: LocalSocket, path: string, agent: LocalAgent, clock: Clock): Service {
  return {
    id: "local",
    run: (signal) => socket.serve(path, (call) => handleLocal(agent, call, clock.now()), signal),
  };
}

/** The socket's path below the run folder. */
export function localSocketPath(runFolder: string): string {
  return `${runFolder}/local.sock`;
}
