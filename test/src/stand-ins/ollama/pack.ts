import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { build } from "esbuild";
import { RUNNER_SCRIPT } from "./run/runner-script.ts";
import { type Entry, ustar } from "./ustar.ts";

export interface PackOptions {
  /** Where the two files go; it is made when it is not there. */
  folder: string;
  version: string;
  /** Node that runs the stand-in, when STAND_IN_NODE does not name one. Absent: our own is packed as lib/ollama/node. */
  node?: string;
  /** STAND_IN_… settings that hold where the environment has none, e.g. STAND_IN_REGISTRY. */
  settings?: Readonly<Record<string, string>>;
  /** Default amd64. */
  arch?: "amd64" | "arm64";
}

export interface Packed {
  archive: string;
  sums: string;
  /** Hex. */
  sha256: string;
}

/**
 * An Ollama release as the vendor lays it out: `ollama-linux-<arch>.tar.zst` with `bin/ollama` and `lib/ollama`, and
 * `sha256sum.txt`. `bin/ollama` is whole in itself, as the real one is: a server whose `lib/ollama` is gone still
 * starts and answers, and fails when it has to load a model.
 */
export async function pack(options: PackOptions): Promise<Packed> {
  await mkdir(options.folder, { recursive: true });
  const name = `ollama-linux-${options.arch ?? "amd64"}.tar.zst`;
  const archive = join(options.folder, name);
  await pipeline(ustar(await entriesOf(options)), createZstdCompress(), createWriteStream(archive));
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(archive)) hash.update(chunk);
  const sha256 = hash.digest("hex");
  const sums = join(options.folder, "sha256sum.txt");
  await writeFile(sums, `${sha256}  ./${name}\n`);
  return { archive, sums, sha256 };
}

/** The same release unpacked at `prefix` (`/usr/local` of some root), as an installation that was there before. */
export async function install(prefix: string, options: Omit<PackOptions, "folder">): Promise<void> {
  for (const entry of await entriesOf(options)) {
    const path = join(prefix, entry.path);
    if (entry.path.endsWith("/")) await mkdir(path, { recursive: true });
    else if (entry.link !== undefined) await symlink(entry.link, path);
    else if (entry.stream !== undefined) await pipeline(entry.stream.open(), createWriteStream(path, { mode: 0o755 }));
    else await writeFile(path, entry.content ?? "", { mode: entry.mode ?? 0o644 });
  }
}

async function entriesOf(options: Omit<PackOptions, "folder">): Promise<Entry[]> {
  const lib = "lib/ollama/";
  const program = (path: string, content: string): Entry => ({ path, mode: 0o755, content });
  return [
    { path: "bin/" },
    program("bin/ollama", await programText(options)),
    { path: "lib/" },
    { path: lib },
    program(`${lib}llama-server`, `#!/bin/sh\n${RUNNER_SCRIPT}`),
    program(`${lib}llama-quantize`, '#!/bin/sh\nexec cp "$2" "$3"\n'),
    ...library(`${lib}libggml-base.so`),
    ...library(`${lib}libggml.so`),
    ...library(`${lib}libllama.so`),
    { path: `${lib}libggml-cpu-x64.so`, mode: 0o755, content: FILLER },
    { path: `${lib}libggml-cpu-haswell.so`, mode: 0o755, content: FILLER },
    { path: `${lib}cuda_v12/` },
    { path: `${lib}cuda_v12/libggml-cuda.so`, mode: 0o755, content: FILLER },
    { path: `${lib}cuda_v13/` },
    { path: `${lib}cuda_v13/libggml-cuda.so`, mode: 0o755, content: FILLER },
    { path: `${lib}vulkan/` },
    { path: `${lib}vulkan/libggml-vulkan.so`, mode: 0o755, content: FILLER },
    ...(options.settings === undefined ? [] : [settingsFile(lib, options.settings)]),
    ...(options.node === undefined ? [packedNode(lib)] : []),
  ];
}

const FILLER = Buffer.alloc(4096, "stand-in");

/** `x.so` -> `x.so.0` -> `x.so.0.0.0`, as the real libraries lie there. */
function library(path: string): Entry[] {
  const base = path.slice(path.lastIndexOf("/") + 1);
  return [
    { path: `${path}.0.0.0`, mode: 0o755, content: FILLER },
    { path: `${path}.0`, link: `${base}.0.0.0` },
    { path, link: `${base}.0` },
  ];
}

function settingsFile(lib: string, settings: Readonly<Record<string, string>>): Entry {
  return { path: `${lib}stand-in.json`, content: `${JSON.stringify(settings)}\n` };
}

function packedNode(lib: string): Entry {
  const { execPath } = process;
  const stream = { size: statSync(execPath).size, open: () => createReadStream(execPath) };
  return { path: `${lib}node`, mode: 0o755, stream };
}

/**
 * One file that is both: a shell reads its second line and execs Node on the file itself, Node reads that line as a
 * text and a comment. With exec the process that the unit manager started is the server, and its environment is the unit's.
 */
async function programText(options: Omit<PackOptions, "folder">): Promise<string> {
  const fallback = options.node ?? '$(dirname "$(readlink -f "$0")")/../lib/ollama/node';
  // As the real one it trusts what the machine trusts.
  const exec = `exec "\${STAND_IN_NODE:-${fallback}}" --use-system-ca --input-type=module - "--program=$0" "$@" <"$0"`;
  const result = await build({
    entryPoints: [join(import.meta.dirname, "main.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node24",
    define: { STAND_IN_BAKED_VERSION: JSON.stringify(options.version) },
    banner: { js: `#!/bin/sh\n":" //; ${exec}` },
    logLevel: "silent",
  });
  return result.outputFiles[0]?.text ?? "";
}
