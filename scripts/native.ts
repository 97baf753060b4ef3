import { cpSync, mkdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface NativeOptions {
  /** The workspace package whose dependencies hold the native one. */
  readonly from: string;
  /** The `node_modules` to copy into. */
  readonly modules: string;
  readonly arch: "x64" | "arm64";
  /** The folder of node-pty's native half, where that architecture's is not installed. */
  readonly pty?: string;
}

/** What a native package needs at run time. */
export function copyNative(name: string, { from, modules, arch, pty }: NativeOptions): void {
  const source = packageFolder(name, from);
  const target = join(modules, name);
  mkdirSync(target, { recursive: true });
  const prebuilt = `prebuilds/linux-${arch}.node`;
  cpSync(source, target, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const below = path.slice(source.length + 1);
      if (/^(deps|src|node_modules|binding\.gyp)/.test(below) || /\.(ts|md|map)$/.test(below)) return false;
      return !below.startsWith("prebuilds/") || below === prebuilt;
    },
  });
  if (name !== "node-pty") return;
  const half = `@lydell/node-pty-linux-${arch}`;
  cpSync(pty ?? packageFolder(half, source), join(modules, half), { recursive: true, dereference: true });
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
