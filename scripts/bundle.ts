import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { copyNative } from "./native.ts";

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
  /** Names that the sources declare and only a build gives a value. */
  readonly define?: Readonly<Record<string, unknown>>;
}

const BANNER = `import { createRequire as makeRequire } from "node:module";
const require = makeRequire(import.meta.url);`;

/** Bundles a program for the pinned Node, with its native packages beside it. Returns what went in (esbuild's metafile). */
export async function bundle(options: BundleOptions): Promise<Metafile> {
  const { entries, folder, from, native = [], names = true, define = {} } = options;
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
    define: Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])),
    banner: { js: BANNER },
    metafile: true,
    plugins: [httpByRequire],
    absWorkingDir: ROOT,
    logLevel: "warning",
  });
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  for (const name of native) copyNative(name, { from: join(ROOT, from), modules: join(folder, "node_modules"), arch });
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
