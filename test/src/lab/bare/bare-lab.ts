import type { LabConfig } from "../config.ts";
import { HostCoordinator } from "../fettle/host-coordinator.ts";
import { Host } from "../host.ts";
import type { Lab } from "../lab.ts";
import { addressOf, type HostName } from "../layout.ts";
import type { Release } from "../products/ollama-release.ts";
import type { Step } from "../steps/step.ts";
import type { Releases } from "./releases.ts";

/** A lab that begins with bare machines: Fettle comes onto them by what a user types. */
export type BareLab = Lab & {
  /** Where the coordinator goes: a host of its own, or one of the others. */
  coordinator: Host;
  releases: Releases;
  /** What the stand-in of Ollama's release sums to. */
  ollamaRelease: Release;
  /** The last line that was pasted on each host. */
  lines: Map<HostName, string>;
};

export function bareLabOf(
  config: LabConfig,
  made: Pick<BareLab, "releases" | "ollamaRelease" | "coordinator">,
): BareLab {
  return {
    config,
    gitlab: new Host(config, "gitlab-1"),
    gateway: new Host(config, "gateway-1"),
    ollama: new Host(config, "ollama-1"),
    site: { address: addressOf(config.subnet, "site") },
    fettle: new HostCoordinator(made.coordinator),
    lines: new Map(),
    ...made,
  };
}

export type BareStep = Step<BareLab>;
