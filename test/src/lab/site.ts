import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { docker, label, tryDocker } from "./docker.ts";
import { imagesFolder } from "./gateway-image.ts";
import { containerName, resolvConf } from "./host-spec.ts";
import { addressOf, zoneOf } from "./layout.ts";
import { networkName } from "./network.ts";
import { issue } from "./pki.ts";
import { until } from "./until.ts";

/** Writes what the hosts and the site read from this machine while they run. */
export async function writeSiteFiles(config: LabConfig): Promise<void> {
  const folder = join(config.folder, "site");
  mkdirSync(folder, { recursive: true });
  mkdirSync(imagesFolder(config), { recursive: true });
  const { certificate, key } = await issue(config, ["registry.gitlab.com", "gitlab.com"], [siteAddress(config)]);
  writeFileSync(join(folder, "certificate.pem"), certificate);
  writeFileSync(join(folder, "key.pem"), key, { mode: 0o600 });
  writeFileSync(join(folder, "zone.json"), JSON.stringify(zoneOf(config.subnet)));
  writeFileSync(resolvConf(config), `nameserver ${siteAddress(config)}\n`);
}

/** (Re)starts the site, a container with an address of its own: image registry and name server. */
export async function startSite(config: LabConfig, image: string): Promise<void> {
  const name = containerName(config, "site");
  await tryDocker(["rm", "--force", name]);
  const mounts = [
    `${process.execPath}:/usr/local/bin/node`,
    `${import.meta.dirname}:/lab`,
    `${join(config.folder, "site")}:/data/site`,
    `${imagesFolder(config)}:/data/images`,
  ].flatMap((mount) => ["--volume", `${mount}:ro`]);
  const place = ["--network", networkName(config), "--ip", siteAddress(config), "--restart", "unless-stopped"];
  const names = ["--name", name, "--hostname", "site", "--label", `${label}=${config.name}`, "--stop-timeout", "5"];
  const options = [...names, ...place, ...mounts, "--stop-signal", "SIGTERM"];
  await docker(["run", "--detach", ...options, image, "node", "/lab/site-main.ts"]);
  await until("the site to listen", 20_000, async () => {
    const probe = ["curl", "--silent", "--output", "/dev/null", "--insecure", `https://${siteAddress(config)}/v2/`];
    return (await tryDocker(["exec", name, ...probe])).code === 0 ? true : undefined;
  });
}

function siteAddress(config: LabConfig): string {
  return addressOf(config.subnet, "site");
}
