import { randomUUID } from "node:crypto";
import { docker, tryDocker } from "../docker.ts";
import * as recipe from "./recipe.ts";

const base = "ubuntu:24.04";

/** True when the public base image is here or comes within the time limit. */
export async function pullUbuntu(timeoutMs: number): Promise<boolean> {
  if ((await tryDocker(["image", "inspect", base])).code === 0) return true;
  return (await tryDocker(["pull", "--quiet", base], { timeoutMs })).code === 0;
}

/** Builds the host image from public Ubuntu, with packages from Ubuntu's own mirrors. */
export async function buildFromUbuntu(tag: string): Promise<void> {
  const name = `fettle-lab-build-${randomUUID().slice(0, 8)}`;
  const script = [
    "set -e",
    "export DEBIAN_FRONTEND=noninteractive",
    `cat > /etc/dpkg/dpkg.cfg.d/lab <<'END'\n${recipe.dpkgOptions}END`,
    "apt-get update",
    `apt-get install --yes --no-install-recommends ${recipe.packages.join(" ")}`,
    recipe.prepareScript,
  ].join("\n");
  try {
    await docker(["run", "--name", name, base, "sh", "-c", script], { timeoutMs: 600_000 });
    const changes = recipe.settings.flatMap((setting) => ["--change", setting]);
    await docker(["commit", ...changes, name, tag], { timeoutMs: 300_000 });
  } finally {
    await tryDocker(["rm", "--force", "--volumes", name]);
  }
}
