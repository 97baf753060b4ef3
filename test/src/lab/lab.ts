import type { LabConfig } from "./config.ts";
import { Coordinator, type LabCoordinator } from "./fettle/coordinator.ts";
import { Host } from "./host.ts";
import { addressOf } from "./layout.ts";
import type { Peer } from "./partition.ts";

/** The lab that is up: what steps and scenarios are handed. */
export type Lab = {
  config: LabConfig;
  gitlab: Host;
  gateway: Host;
  ollama: Host;
  /** Where the coordinator stands, as the hosts see it: the machine itself, or a host. */
  coordinator: Peer;
  /** The outside world: registries, releases and name server. */
  site: Peer;
  fettle: LabCoordinator;
};

export function labOf(config: LabConfig): Lab {
  return {
    config,
    gitlab: new Host(config, "gitlab-1"),
    gateway: new Host(config, "gateway-1"),
    ollama: new Host(config, "ollama-1"),
    coordinator: { address: addressOf(config.subnet, "coordinator") },
    site: { address: addressOf(config.subnet, "site") },
    fettle: new Coordinator(config),
  };
}
