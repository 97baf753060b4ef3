import type { Host } from "../host.ts";
import { addressOf, coordinatorHost, type HostName, hostNames } from "../layout.ts";
import { hostsOf } from "../steps/hosts.ts";
import type { BareLab } from "./bare-lab.ts";

/**
 * Blocks all traffic of the machines except among themselves; the name server alone stays, as a company has one inside.
 * Packets vanish, those of containers too. A reboot lifts it.
 */
export async function blockOutside(lab: BareLab): Promise<void> {
  const { subnet } = lab.config;
  const names: HostName[] = [...hostNames, coordinatorHost];
  const own = names.map((name) => addressOf(subnet, name));
  // Whoever looks at GitLab from outside for these steps is let in; no machine of the lab has a way out through it.
  const allowed = ["127.0.0.0/8", "172.17.0.0/16", addressOf(subnet, "coordinator"), ...own].join(", ");
  const asked = `ip %s ${lab.site.address} udp %p 53 accept;`;
  const rules = `add table ip lab_outside
delete table ip lab_outside
table ip lab_outside {
  chain incoming { type filter hook prerouting priority -310; ${said(asked, "saddr", "sport")} ip saddr != { ${allowed} } drop; }
  chain leaving { type filter hook postrouting priority 310; ${said(asked, "daddr", "dport")} ip daddr != { ${allowed} } drop; }
}
`;
  const hosts: Host[] = [...hostsOf(lab), lab.coordinator];
  await Promise.all(hosts.map((host) => host.run(["nft", "--file", "-"], { input: rules })));
}

function said(rule: string, address: string, port: string): string {
  return rule.replace("%s", address).replace("%p", port);
}
