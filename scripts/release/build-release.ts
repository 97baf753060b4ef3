import type { KeyObject } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../../shared/src/lib/version.ts";
import { OLDEST_PROTOCOL, PROTOCOL } from "../../shared/src/protocol/version.ts";
import { RELEASE_VERSION, type ReleaseManifest, releaseArchiveName } from "../../shared/src/release/manifest.ts";
import { ROOT } from "../bundle.ts";
import { copyNative } from "../native.ts";
import { type Entry, writeArchive } from "./archive.ts";
import { ARCHES, type Arch, NODE_VERSION, PTY, pinned } from "./pinned.ts";
import { AGENT_NATIVE, buildAgent, buildCoordinator, COORDINATOR_NATIVE } from "./programs.ts";
import { signed } from "./signing.ts";
import { agentTree, coordinatorTree, type TreeOptions } from "./trees.ts";

export interface ReleaseOptions {
  /** Where the archives and their manifests go. */
  readonly folder: string;
  readonly version?: string;
  readonly arches?: readonly Arch[];
  readonly agentOnly?: boolean;
  /** ed25519 private keys that sign the manifests; none leaves them unsigned. */
  readonly sign?: readonly KeyObject[];
  /** Public keys (SPKI in base64) that are compiled in; without one it is a `dev` build. */
  readonly releaseKeys?: readonly string[];
  /** The lowest version that may be updated to this one. */
  readonly minVersion?: string;
}

/** One archive that was written. */
export interface Built {
  readonly manifest: ReleaseManifest;
  readonly archive: string;
}

/** It is in the coordinator's archive too, and lies beside it to be run with it. */
const INSTALLER = "install-coordinator.sh";

type Product = ReleaseManifest["product"];
type Settled = Required<ReleaseOptions>;

/** Builds the release archives of both programs, each with its manifest and sum beside it. Throws plain errors. */
export async function buildRelease(options: ReleaseOptions): Promise<readonly Built[]> {
  const settled = settle(options);
  const work = mkdtempSync(join(tmpdir(), "fettle-release-"));
  mkdirSync(settled.folder, { recursive: true });
  try {
    const agents = await agentArchives(settled, work);
    return settled.agentOnly ? agents : [...agents, ...(await coordinatorArchives(settled, work, agents))];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function settle(given: ReleaseOptions): Settled {
  if (process.versions.node !== NODE_VERSION)
    throw new Error(
      `a release is built with Node ${NODE_VERSION} (npm run build fetches it), this is ${process.version}`,
    );
  const { version = VERSION, arches = ARCHES, agentOnly = false, sign = [], releaseKeys = [] } = given;
  const { folder, minVersion = "0.1.0" } = given;
  for (const text of [version, minVersion])
    if (!RELEASE_VERSION.test(text)) throw new Error(`${text} is no version: three numbers, as 1.2.3`);
  return { folder, version, arches, agentOnly, sign, releaseKeys, minVersion };
}

async function agentArchives(settled: Settled, work: string): Promise<Built[]> {
  const common = join(work, "agent");
  await buildAgent(common, { define: defines(settled), native: false });
  const built: Built[] = [];
  for (const arch of settled.arches) {
    const lib = await libFor(arch, { common, native: AGENT_NATIVE, from: "agent" });
    built.push(await write(settled, "fettle-agent", arch, await agentTree(treeOptions(settled, arch, lib))));
  }
  return built;
}

async function coordinatorArchives(settled: Settled, work: string, agents: readonly Built[]): Promise<Built[]> {
  const common = join(work, "coordinator");
  copyFileSync(join(ROOT, "deploy", INSTALLER), join(settled.folder, INSTALLER));
  await buildCoordinator(common, { define: defines(settled), native: false });
  const files = agents.flatMap(({ archive }) => [archive, `${archive}.manifest`]);
  const built: Built[] = [];
  for (const arch of settled.arches) {
    const lib = await libFor(arch, { common, native: COORDINATOR_NATIVE, from: "coordinator" });
    const tree = await coordinatorTree(treeOptions(settled, arch, lib), files);
    built.push(await write(settled, "fettle-coordinator", arch, tree));
  }
  return built;
}

/** The bundle, which is every architecture's, with the native packages of one. */
async function libFor(
  arch: Arch,
  { common, native, from }: { common: string; native: readonly string[]; from: string },
): Promise<string> {
  const lib = `${common}-${arch}`;
  cpSync(common, lib, { recursive: true });
  const pty = native.includes("node-pty") ? { pty: await pinned(PTY[arch]) } : {};
  const where = { from: join(ROOT, from), modules: join(lib, "node_modules"), arch, ...pty };
  for (const name of native) copyNative(name, where);
  return lib;
}

function treeOptions({ version, releaseKeys }: Settled, arch: Arch, lib: string): TreeOptions {
  return { version, arch, dev: releaseKeys.length === 0, lib };
}

function defines({ version, releaseKeys }: Settled): Record<string, unknown> {
  return { FETTLE_VERSION: version, FETTLE_RELEASE_KEYS: releaseKeys };
}

async function write(
  { folder, version, minVersion, sign }: Settled,
  product: Product,
  arch: Arch,
  entries: readonly Entry[],
): Promise<Built> {
  const name = releaseArchiveName({ product, version, arch });
  const archive = join(folder, name);
  rmSync(`${archive}.manifest`, { force: true });
  const { size, sha256 } = await writeArchive(`${archive}.part`, entries);
  const wire = { oldest: OLDEST_PROTOCOL, newest: PROTOCOL };
  const manifest: ReleaseManifest = { product, version, arch, size, sha256, minVersion, wire };
  renameSync(`${archive}.part`, archive);
  writeFileSync(`${archive}.sha256`, `${sha256}  ${name}\n`);
  writeFileSync(`${archive}.manifest`, `${JSON.stringify(signed(manifest, sign))}\n`);
  return { manifest, archive };
}
