import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ReleaseManifest, releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import { arch, type Releases } from "../bare/releases.ts";
import { run } from "../command.ts";
import type { LabConfig } from "../config.ts";

const BUILD_MS = 240_000;

/**
 * Where releases are made: this machine and its checkout. The two machines that have a pair of release keys each are two
 * home folders here.
 */
export class Maker {
  readonly folder: string;

  constructor(config: LabConfig) {
    this.folder = join(config.folder, "maker");
  }

  /** Nothing of an earlier run is left. */
  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
  }

  home(machine: "one" | "two"): string {
    return join(this.folder, machine);
  }

  key(machine: "one" | "two", kind: "pem" | "pub"): string {
    return join(this.home(machine), `fettle-keys/fettle-release.${kind}`);
  }

  /** Copies both public keys to where releases are built. */
  gatherKeys(): void {
    for (const machine of ["one", "two"] as const)
      copyFileSync(this.key(machine, "pub"), join(this.folder, `${machine}.pub`));
  }

  /** Runs a page's block in the checkout, with that machine's home. */
  async run(block: string, machine: "one" | "two" = "one"): Promise<string> {
    mkdirSync(this.home(machine), { recursive: true });
    // Where packages come from stays as it is for whoever runs the lab.
    const env = { HOME: this.home(machine), NPM_CONFIG_USERCONFIG: join(homedir(), ".npmrc") };
    return run(["sh", "-ec", `cd "$0"\n${block}`, this.folder], { env, timeoutMs: BUILD_MS });
  }

  /** As run, for a block that builds; into a folder of the lab and for its architecture only. */
  async build(block: string, version: string, more = ""): Promise<{ said: string; releases: Releases }> {
    const folder = join(this.folder, version);
    const said = await this.run(`${block.trimEnd()} --arch ${arch} --out ${folder}${more}`);
    const coordinator = this.archive("fettle-coordinator", version);
    return { said, releases: { folder, version, arch, coordinator } };
  }

  archive(product: ReleaseManifest["product"], version: string): string {
    return join(this.folder, version, releaseArchiveName({ product, version, arch }));
  }
}
