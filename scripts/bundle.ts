import { cpSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

export const ROOT = resolve(import.meta.dirname, "..");

/** Packages with native parts: they stay folders beside the bundle. */
const NATIVE = ["better-sqlite3", "node-pty"];

export interface BundleOptions {
  /** Output name without its extension -> source file. */
  readonly entries: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The workspace package whose dependencies hold the native packages. */
  readonly from: "agent" | "coordinator" | "test";
  /** Which native packages the bundle needs. */
  readonly native?: readonly string[];
  /** Whether functions keep their names, as stack traces show them; it costs the coordinator 5 MB of memory. */
  readonly names?: boolean;
}

const BANNER = `import { createRequire as makeRequire } from "node:module";
const require = makeRequire(import.meta.url);`;

/** Bundles a program for the pinned Node, with its native packages beside it. Returns what went in (esbuild's metafile). */
export async function bundle({ entries, folder, from, native = [], names = true }: BundleOptions): Promise<Metafile> {
  rmSync(folder, { recursive: true, force: true });
  const result = await build({
    entryPoints: { ...entries },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[hash]",
    platform: "node",
    target: "node24",
    format: "esm",
    minify: true,
    keepNames: names,
    legalComments: "none",
    external: NATIVE,
    banner: { js: BANNER },
    metafile: true,
    plugins: [httpByRequire],
    absWorkingDir: ROOT,
    logLevel: "warning",
  });
  for (const name of native) copyNative(name, join(ROOT, from), join(folder, "node_modules"));
  return result.metafile;
}

/**
 * node:http by `require`: an ES import of it makes Node build the whole namespace and with it load
 * undici, which a program that never calls `fetch` pays for with 3 MB (measured). What a getter guards is left out.
 */
const httpByRequire: Plugin = {
  name: "node:http by require",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ path, kind }) => {
      return kind === "require-call" ? { path, external: true } : { path, namespace: "builtin" };
    });
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({ contents: builtinModule(path) }));
  },
};

function builtinModule(path: string): string {
  const module = createRequire(import.meta.url)(path) as object;
  const plain = Object.entries(Object.getOwnPropertyDescriptors(module)).filter(([, { get }]) => get === undefined);
  const names = plain.map(([name]) => name).filter((name) => /^[A-Za-z_]\w*$/.test(name) && name !== "default");
  return `const module = require("${path}");\nexport default module;\nexport const { ${names.join(", ")} } = module;`;
}

/** What a native package needs at run time, for this machine's architecture. */
function copyNative(name: string, from: string, modules: string): void {
  const source = packageFolder(name, from);
  const target = join(modules, name);
  mkdirSync(target, { recursive: true });
  const prebuilt = `linux-${process.arch}.node`;
  cpSync(source, target, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const below = path.slice(source.length + 1);
      if (/^(deps|src|node_modules|binding\.gyp)/.test(below) || /\.(ts|md|map)$/.test(below)) return false;
      return !below.startsWith("prebuilds/") || below === `prebuilds/${prebuilt}`;
    },
  });
  if (name === "node-pty") {
    const binary = `@lydell/node-pty-linux-${process.arch}`;
    cpSync(packageFolder(binary, source), join(modules, binary), { recursive: true, dereference: true });
  }
}

/** The real folder of a package as `from` sees it. */
function packageFolder(name: string, from: string): string {
  const require = createRequire(join(realpathSync(from), "package.json"));
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return realpathSync(join(folder, name));
    } catch {
      // Not in this folder; the next one up is looked into.
    }
  }
  return dirname(require.resolve(`${name}/package.json`));
}
