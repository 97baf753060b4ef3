import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

export interface GitlabBundle {
  /** The server: `node main`. */
  main: string;
  /** `sh gitlab-rails runner …`, to be put where the agent looks for it. */
  rails: string;
}

/** Two programs, each one file, and beside them the schema as data. `node` is what the wrapper runs. */
export async function bundleGitlab(folder: string, node: string = process.execPath): Promise<GitlabBundle> {
  const here = import.meta.dirname;
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: { gitlab: join(here, "main.ts"), rails: join(here, "rails.ts") },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    // Some packages inside are CommonJS and call require for Node's own modules.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
  await cp(join(here, "schema"), join(folder, "schema"), { recursive: true });
  const rails = join(folder, "gitlab-rails");
  await writeFile(rails, wrapper(node, join(folder, "rails.mjs")), { mode: 0o755 });
  return { main: join(folder, "gitlab.mjs"), rails };
}

/** A few lines of sh, as the real one is. */
function wrapper(node: string, program: string): string {
  return `#!/bin/sh\nexec ${quoted(node)} ${quoted(program)} "$@"\n`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
