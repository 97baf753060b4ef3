import type { LabConfig } from "./config.ts";
import { docker, inspect, label } from "./docker.ts";
import { LabError } from "./lab-error.ts";
import { addressOf } from "./layout.ts";

export function networkName(config: LabConfig): string {
  return `fettle-lab-${config.name}`;
}

/**
 * The hosts' network. It is internal: nothing in the lab reaches the world, whatever a test makes it try. The machine
 * itself has the coordinator's address on it.
 */
export async function ensureNetwork(config: LabConfig): Promise<void> {
  const name = networkName(config);
  const subnet = await inspect("network", name, "{{(index .IPAM.Config 0).Subnet}}");
  if (subnet === config.subnet.cidr) return;
  if (subnet !== undefined) {
    throw new LabError("lab.network.other-subnet", `the lab ${config.name} is up on ${subnet}; take it down first`);
  }
  const address = ["--subnet", config.subnet.cidr, "--gateway", addressOf(config.subnet, "coordinator")];
  await docker(["network", "create", "--internal", "--label", `${label}=${config.name}`, ...address, name]);
}
