import { X509Certificate } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { LabConfig } from "./config.ts";
import { docker, inspect, label, tryDocker } from "./docker.ts";
import { containerName, resolvConf, specHash, specLabel } from "./host-spec.ts";
import { packagesFolder } from "./image/bare-image.ts";
import { imagesFolder } from "./image-layers.ts";
import { addressOf, outsideNames, zoneOf } from "./layout.ts";
import { ensureNetwork, networkName } from "./network.ts";
import { ensureAuthority, issue } from "./pki.ts";
import { until } from "./until.ts";

const testSource = resolve(import.meta.dirname, "..");

/** Writes what the hosts and the site read from this machine while they run. */
async function writeSiteFiles(config: LabConfig): Promise<void> {
  const folder = join(config.folder, "site");
  mkdirSync(folder, { recursive: true });
  mkdirSync(imagesFolder(config), { recursive: true });
  mkdirSync(releasesFolder(config), { recursive: true });
  mkdirSync(packagesFolder(config), { recursive: true });
  if (!isCertified(join(folder, "certificate.pem"))) {
    const { certificate, key } = await issue(config, outsideNames, [siteAddress(config)]);
    writeFileSync(join(folder, "key.pem"), key, { mode: 0o600 });
    writeFileSync(join(folder, "certificate.pem"), certificate);
  }
  writeFileSync(join(folder, "zone.json"), JSON.stringify(zoneOf(config.subnet)));
  writeFileSync(resolvConf(config), `nameserver ${siteAddress(config)}\n`);
}

export function releasesFolder(config: LabConfig): string {
  return join(config.folder, "releases");
}

/** Whether the certificate is there and for all of today's names. */
function isCertified(path: string): boolean {
  if (!existsSync(path)) return false;
  const certificate = new X509Certificate(readFileSync(path));
  return outsideNames.every((name) => certificate.checkHost(name) !== undefined);
}

/**
 * Sees to it that the hosts have a network and that the site runs on it with today's source: registries, releases and name server, in a container with an address
 * of its own, so that it can be cut off like any other place.
 */
export async function ensureSite(config: LabConfig, image: string): Promise<void> {
  await ensureNetwork(config);
  await ensureAuthority(config);
  await writeSiteFiles(config);
  const name = containerName(config, "site");
  const args = siteArguments(config, image);
  const found = await inspect("container", name, `{{.State.Running}} {{index .Config.Labels "${specLabel}"}}`);
  const spec = specHash([
    args,
    sources(),
    zoneOf(config.subnet),
    readFileSync(join(config.folder, "site/certificate.pem"), "utf8"),
  ]);
  if (found === `true ${spec}`) return;
  await tryDocker(["rm", "--force", name]);
  await docker(["run", "--detach", "--label", `${specLabel}=${spec}`, ...args]);
  await until("the site to listen", 20_000, async () => {
    const probe = ["curl", "--silent", "--output", "/dev/null", "--insecure", `https://${siteAddress(config)}/v2/`];
    return (await tryDocker(["exec", name, ...probe])).code === 0 ? true : undefined;
  });
}

function siteArguments(config: LabConfig, image: string): string[] {
  const mounts = [
    `${process.execPath}:/usr/local/bin/node`,
    `${testSource}:/src`,
    `${join(config.folder, "site")}:/data/site`,
    `${imagesFolder(config)}:/data/images`,
    `${releasesFolder(config)}:/data/releases`,
    `${packagesFolder(config)}:/data/packages`,
  ].flatMap((mount) => ["--volume", `${mount}:ro`]);
  const place = ["--network", networkName(config), "--ip", siteAddress(config), "--restart", "unless-stopped"];
  const labels = ["--label", `${label}=${config.name}`, "--stop-signal", "SIGTERM", "--stop-timeout", "5"];
  const names = ["--name", containerName(config, "site"), "--hostname", "site"];
  return [...names, ...labels, ...place, ...mounts, image, "node", "/src/lab/site-main.ts"];
}

/** What runs in the site: a change of any of these starts it anew. */
function sources(): string[] {
  const lab = ["site-main", "outside", "image-registry", "image-manifest", "image-store", "pace", "name-server"];
  const registry = globSync("stand-ins/registry/*.ts", { cwd: testSource }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const files = [...lab.map((name) => `lab/${name}.ts`), ...registry.sort(), "stand-ins/control.ts"];
  return files.map((file) => readFileSync(join(testSource, file), "utf8"));
}

function siteAddress(config: LabConfig): string {
  return addressOf(config.subnet, "site");
}
