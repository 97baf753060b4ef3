import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { ROOT } from "../bundle.ts";
import type { Entry } from "./archive.ts";
import { stripped } from "./elf.ts";
import { type Arch, NODE, pinned } from "./pinned.ts";

export interface TreeOptions {
  readonly version: string;
  readonly arch: Arch;
  readonly dev: boolean;
  /** The bundled program with its native packages. */
  readonly lib: string;
}

/** Both programs' wrapper: the Node that came with it, on the program beside it, from wherever it is linked. */
const wrapper = (program: string, first = "") => `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
${first}exec "$here/node" "$here/../lib/${program}" "$@"
`;

/** A program that does not run any more can still be taken off its machine. */
const unlessBroken = `if [ "\${1-}" = uninstall ] && ! "$here/node" "$here/../lib/fettle-agent.mjs" --version >/dev/null 2>&1; then
  shift
  exec sh "$here/../lib/uninstall.sh" "$@"
fi
`;

/** What is in the agent's archive. */
export async function agentTree(options: TreeOptions): Promise<Entry[]> {
  const units = filesBelow(join(ROOT, "deploy/units"), "units").filter(({ path }) => path.includes("/fettle-agent"));
  const named = { product: "fettle-agent", command: "fettle-agent", first: unlessBroken };
  const program = await programTree({ ...options, ...named });
  const uninstall = { path: "lib/uninstall.sh", content: { file: join(ROOT, "deploy/agent-uninstall.sh") } };
  return below(options.version, [...program, ...units, uninstall]);
}

const EXAMPLE = "shared/src/stack/example.yaml";

/** What is in the coordinator's archive; `agents` are the files of the agent's releases. */
export async function coordinatorTree(options: TreeOptions, agents: readonly string[]): Promise<Entry[]> {
  const program = await programTree({ ...options, product: "fettle-coordinator", command: "fettle" });
  const releases = agents.map((file) => ({ path: `agents/${file.split(sep).at(-1)}`, content: { file } }));
  const example = { path: "deploy/examples/stack.yaml", content: { file: join(ROOT, EXAMPLE) } };
  return below(options.version, [...program, ...filesBelow(join(ROOT, "deploy"), "deploy"), example, ...releases]);
}

async function programTree({
  product,
  command,
  version,
  arch,
  dev,
  lib,
  first,
}: TreeOptions & { product: string; command: string; first?: string }): Promise<Entry[]> {
  return [
    { path: "bin/node", content: await strippedNode(arch), executable: true },
    { path: `bin/${command}`, content: wrapper(`${command}.mjs`, first), executable: true },
    { path: "release.json", content: `${JSON.stringify({ product, version, arch, dev })}\n` },
    ...filesBelow(lib, "lib"),
  ];
}

const nodes = new Map<Arch, Buffer>();

async function strippedNode(arch: Arch): Promise<Buffer> {
  const known = nodes.get(arch);
  if (known !== undefined) return known;
  const node = stripped(readFileSync(join(await pinned(NODE[arch]), "bin/node")));
  nodes.set(arch, node);
  return node;
}

/** The files of a folder as entries under `path`; scripts may be run. */
function filesBelow(folder: string, path: string): Entry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile() && !found.name.startsWith("."))
    .map((found) => join(found.parentPath, found.name))
    .map((file) => ({
      path: `${path}${file.slice(folder.length)}`,
      content: { file },
      executable: file.endsWith(".sh"),
    }));
}

function below(version: string, entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, path: `${version}/${entry.path}` }));
}
