import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { docker, tryDocker } from "../lab/docker.ts";

/**
 * Runs the units' cases inside a container that has systemd, with this Node and one bundle copied in:
 * `node test/src/contract/units-in-container.ts CONTAINER [WORDS OF A CASE]`. Prints TAP; ends as the cases do.
 */
const [container, words = ""] = process.argv.slice(2);
if (container === undefined) throw new Error("usage: units-in-container.ts CONTAINER [WORDS OF A CASE]");
const folder = await mkdtemp(join(tmpdir(), "fettle-contract-"));
try {
  const outfile = join(folder, "units-on-host.mjs");
  await bundle(join(import.meta.dirname, "units-on-host.ts"), outfile);
  await docker(["cp", "--quiet", process.execPath, `${container}:/root/fettle-contract-node`]);
  await docker(["cp", "--quiet", outfile, `${container}:/root/fettle-contract.mjs`]);
  const argv = ["exec", container, "/root/fettle-contract-node", "/root/fettle-contract.mjs", words];
  const { code, stdout, stderr } = await tryDocker(argv, { timeoutMs: 180_000 });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
} finally {
  await tryDocker(["exec", container, "rm", "-f", "/root/fettle-contract-node", "/root/fettle-contract.mjs"]);
  await rm(folder, { recursive: true });
}

async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    // Native, and not used by these cases.
    external: ["node-pty"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
}
