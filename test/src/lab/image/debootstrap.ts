import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installPackages, type Mirror, machineMirror, proxyEnvironment } from "../apt.ts";
import { execute, run, runPiped } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { LabError } from "../lab-error.ts";
import * as recipe from "./recipe.ts";

/** Builds the host image from this machine's own distribution, or the one named. Needs root; works without a registry. */
export async function buildWithDebootstrap({ shared, mirror }: LabConfig, tag: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new LabError("lab.image.needs-root", "ubuntu:24.04 cannot be pulled, and building an image here needs root");
  }
  const root = join(shared, "image-root");
  rmSync(root, { recursive: true, force: true });
  try {
    await debootstrap(root, mirror);
    await importTree(root, tag);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function debootstrap(root: string, named: Mirror | null): Promise<void> {
  if ((await execute(["sh", "-c", "command -v debootstrap"])).code !== 0) await installPackages(["debootstrap"]);
  const mirror = named ?? (await machineMirror());
  mkdirSync(join(root, "etc/dpkg/dpkg.cfg.d"), { recursive: true });
  writeFileSync(join(root, "etc/dpkg/dpkg.cfg.d/lab"), recipe.dpkgOptions);
  // Another distribution's keys are rarely here; its hosts last as long as a test, and whoever runs it named the mirror.
  const options = ["--variant=minbase", ...(named === null ? [] : ["--no-check-gpg"])];
  const env = await proxyEnvironment();
  const make = (packages: string[]) => {
    const chosen = [`--include=${packages.join(",")}`, `--components=${mirror.components.join(",")}`];
    const argv = ["debootstrap", ...options, ...chosen, mirror.suite, root, mirror.url];
    return execute(argv, { env, timeoutMs: 600_000 });
  };
  // In newer releases the command `docker` is a package of its own; debootstrap names what it does not find at its start.
  const first = await make([...recipe.packages, recipe.separateCommand]);
  if (first.code === 0) return;
  const { code, stdout, stderr } = await make(recipe.packages);
  if (code !== 0)
    throw new LabError("lab.image.debootstrap", `debootstrap ended with ${code}: ${stdout.slice(-500)}${stderr}`);
}

async function importTree(root: string, tag: string): Promise<void> {
  await run(["chroot", root, "/bin/sh", "-s"], { input: recipe.prepareScript });
  // Else the image's top folder is closed to all but root, and D-Bus, which runs as a user of its own, hangs.
  chmodSync(root, 0o755);
  const changes = recipe.settings.flatMap((setting) => ["--change", setting]);
  const tar = ["tar", "--create", "--numeric-owner", "--xattrs", "--directory", root, "."];
  await runPiped(tar, ["docker", "import", ...changes, "-", tag], { timeoutMs: 300_000 });
}
