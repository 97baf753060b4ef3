import type { Host } from "../host.ts";
import type { Lab } from "../lab.ts";

export function hostsOf(lab: Lab): Host[] {
  return [lab.gitlab, lab.gateway, lab.ollama];
}

/** Asks every host at the same time. */
export function onEach<T>(lab: Lab, ask: (host: Host) => Promise<T>): Promise<T[]> {
  return Promise.all(hostsOf(lab).map(ask));
}
