import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { proxyEnvironment } from "../apt.ts";
import { run, runToBuffer } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { docker, inspect, tryDocker } from "../docker.ts";
import * as recipe from "./recipe.ts";

const engine = ["docker.io", "docker-cli", "containerd", "runc", "tini"];

export const withoutEngine = `dpkg --purge ${engine.join(" ")} >/dev/null 2>&1 || dpkg --purge docker.io containerd runc >/dev/null
rm -rf /etc/docker /var/lib/docker /var/lib/containerd
`;

/** As a machine is rented: told where its packages come from, and with a way to root. */
export const asRented = `rm -rf /etc/apt/sources.list.d/*
printf 'deb [trusted=yes] https://packages.example.com ./\\n' > /etc/apt/sources.list
printf '#!/bin/sh\\nexec "$@"\\n' > /usr/bin/sudo
chmod 0755 /usr/bin/sudo
`;

/** Fetches what the distribution's Engine needs and lists it as a package mirror does. */
const fetchPackages = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update >&2
command=$(apt-cache show ${recipe.separateCommand} >/dev/null 2>&1 && echo ${recipe.separateCommand} || true)
apt-get install --yes --download-only --no-install-recommends docker.io $command >&2
cd /var/cache/apt/archives
for deb in *.deb; do
  dpkg-deb --field "$deb"
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done > Packages
tar --create Packages *.deb
`;

/** Images of machines without anything, and without anything but an Engine; made once from the host image. */
export async function ensureBareImages(config: LabConfig): Promise<{ bare: string; engine: string }> {
  return {
    bare: await derived(config, "bare", withoutEngine + asRented),
    engine: await derived(config, "engine", asRented),
  };
}

/**
 * The host image after this script; made once for each script. One that fetches something reads the proxy for that, which
 * is no part of the image, from its standard input.
 */
export async function derived(config: LabConfig, suffix: string, script: string, fetches = false): Promise<string> {
  const tag = `${recipe.imageTag(config)}-${suffix}-${createHash("sha256").update(script).digest("hex").slice(0, 8)}`;
  if ((await inspect("image", tag, "{{.Id}}")) !== undefined) return tag;
  const name = `fettle-lab-build-${randomUUID().slice(0, 8)}`;
  try {
    const run = [
      "run",
      "--interactive",
      "--name",
      name,
      "--network",
      fetches ? "host" : "none",
      recipe.imageTag(config),
    ];
    const input = fetches ? ((await proxyEnvironment()).http_proxy ?? "") : "";
    await docker([...run, "sh", "-ec", script], { input, timeoutMs: 300_000 });
    const changes = recipe.settings.flatMap((setting) => ["--change", setting]);
    await docker(["commit", ...changes, name, tag], { timeoutMs: 300_000 });
  } finally {
    await tryDocker(["rm", "--force", "--volumes", name]);
  }
  return tag;
}

/** The folder of the lab's package mirror; fetched once for all labs of this checkout, from where the image came from. */
export async function ensurePackages(config: LabConfig): Promise<string> {
  const folder = packagesFolder(config);
  if (existsSync(join(folder, "Packages"))) return folder;
  // With the distribution's own sources, and everything that the Engine needs still to be fetched.
  const tag = await derived(config, "sources", withoutEngine);
  const env = Object.entries(await proxyEnvironment()).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  const argv = ["docker", "run", "--rm", "--network", "host", ...env, tag, "sh", "-c", fetchPackages];
  const tar = await runToBuffer(argv, { timeoutMs: 300_000 });
  const beside = `${folder}.new`;
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside, { recursive: true });
  await run(["tar", "--extract", "--directory", beside], { input: tar });
  rmSync(folder, { recursive: true, force: true });
  renameSync(beside, folder);
  return folder;
}

export function packagesFolder(config: LabConfig): string {
  return join(config.shared, "packages", recipe.imageTag(config).replace(/\W/g, "-"));
}
