import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { proxyEnvironment } from "../apt.ts";
import { run, runToBuffer } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { docker, inspect, tryDocker } from "../docker.ts";
import * as recipe from "./recipe.ts";

const engine = ["docker.io", "docker-cli", "containerd", "runc", "tini"];

/** As a machine is rented: without an Engine, told where its packages come from, and with a way to root. */
const makeBare = `set -e
dpkg --purge ${engine.join(" ")} >/dev/null 2>&1 || dpkg --purge docker.io containerd runc >/dev/null
rm -rf /etc/docker /var/lib/docker /var/lib/containerd /etc/apt/sources.list.d/*
printf 'deb [trusted=yes] https://packages.example.com ./\\n' > /etc/apt/sources.list
printf '#!/bin/sh\\nexec "$@"\\n' > /usr/bin/sudo
chmod 0755 /usr/bin/sudo
`;

/** Fetches what the distribution's Engine needs and lists it as a package mirror does. */
const fetchPackages = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update >&2
apt-get install --yes --download-only --no-install-recommends docker.io >&2
cd /var/cache/apt/archives
for deb in *.deb; do
  dpkg-deb --field "$deb"
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done > Packages
tar --create Packages *.deb
`;

export function bareTag(): string {
  return `${recipe.imageTag()}-bare`;
}

/** The image of machines without anything; made once from the host image. */
export async function ensureBareImage(): Promise<string> {
  const tag = bareTag();
  if ((await inspect("image", tag, "{{.Id}}")) !== undefined) return tag;
  const name = `fettle-lab-build-${randomUUID().slice(0, 8)}`;
  try {
    await docker(["run", "--name", name, "--network", "none", recipe.imageTag(), "sh", "-c", makeBare]);
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
  const tag = await imageWithSources();
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
  return join(config.shared, "packages", recipe.imageTag().replace(/\W/g, "-"));
}

/** Without the Engine and with the distribution's own sources, so that everything that it needs is fetched. */
async function imageWithSources(): Promise<string> {
  const tag = `${recipe.imageTag()}-sources`;
  if ((await inspect("image", tag, "{{.Id}}")) !== undefined) return tag;
  const name = `fettle-lab-build-${randomUUID().slice(0, 8)}`;
  const purge = makeBare.split("\n").slice(0, 2).join("\n");
  try {
    await docker(["run", "--name", name, "--network", "none", recipe.imageTag(), "sh", "-c", purge]);
    await docker(["commit", name, tag], { timeoutMs: 300_000 });
  } finally {
    await tryDocker(["rm", "--force", "--volumes", name]);
  }
  return tag;
}
