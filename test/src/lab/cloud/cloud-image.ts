import { readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { Cloud } from "@fettle/coordinator/cli/cloud-init/machines.ts";
import type { LabConfig } from "../config.ts";
import { asRented, derived, withoutEngine } from "../image/bare-image.ts";

/** With the distribution's own sources, which `asRented` takes away after it. */
const fetching = `http_proxy=$(cat)
export http_proxy DEBIAN_FRONTEND=noninteractive
apt-get update >/dev/null
`;

/** The address of a lab's host is the Engine's: nobody is there to give one, and nothing is to be written over it, nor over its sources. */
const withCloudInit = `apt-get install --yes --no-install-recommends cloud-init >/dev/null
rm -f /usr/sbin/dhclient /sbin/dhclient /usr/sbin/dhcpcd /sbin/dhcpcd
printf 'network: { config: disabled }\\nlocale: C.UTF-8\\napt: { preserve_sources_list: true }\\n' > /etc/cloud/cloud.cfg.d/90_lab.cfg
rm -rf /var/lib/apt/lists/*
`;

const withGuestAgent = `apt-get install --yes --no-install-recommends google-guest-agent >/dev/null
systemctl enable google-guest-agent google-startup-scripts 2>/dev/null
rm -rf /var/lib/apt/lists/*
`;

const withCard = readFileSync(join(import.meta.dirname, "gpu-image.sh"), "utf8");

/** What each cloud's Debian is: cloud-init on AWS, Google's own agent on GCP. Made once from the host image. */
export function ensureCloudImage(config: LabConfig, cloud: Cloud): Promise<string> {
  const own = cloud === "aws" ? withCloudInit : withGuestAgent;
  return derived(config, cloud, withoutEngine + fetching + own + asRented, true);
}

/** AWS's, for a machine with a card: what its distribution offers for this kernel. */
export function ensureGpuImage(config: LabConfig): Promise<string> {
  const own = `${withoutEngine + fetching + withCloudInit + asRented}kernel=${release()}\n${withCard}`;
  return derived(config, "aws-gpu", own, true);
}
