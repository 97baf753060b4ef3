import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export interface Import {
  /** From the repository's root. */
  readonly file: string;
  /** A file from the repository's root, or a package or `node:` module. */
  readonly target: string;
  readonly type: boolean;
}

const STATEMENT =
  /^\s*(?:import|export)\s+(type\s+)?([^;"']*?)\s*from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/gm;
const WORKSPACE = /^@fettle\/(shared|agent|coordinator|test)\/(.+)$/;

/** Every import in the repository's TypeScript, with whether it is for types only. */
export function importsOf(root: string): Import[] {
  const files = globSync(
    ["shared", "agent", "coordinator", "test", "scripts"].map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  );
  return files.filter((file) => !file.includes("node_modules")).flatMap((file) => importsIn(root, file));
}

function importsIn(root: string, file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(STATEMENT)].map((match) => {
    const named = match[2] ?? "";
    const specifier = match[3] ?? match[4] ?? match[5] ?? "";
    return { file, target: targetOf(file, specifier), type: match[1] !== undefined || onlyTypes(named) };
  });
}

/** `{ type A, type B }` is as good as `import type`. */
function onlyTypes(named: string): boolean {
  const names =
    /^\{(.*)\}$/s
      .exec(named.trim())?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean) ?? [];
  return names.length > 0 && names.every((name) => name.startsWith("type "));
}

function targetOf(file: string, specifier: string): string {
  const workspace = WORKSPACE.exec(specifier);
  if (workspace) return `${workspace[1]}/src/${workspace[2]}`;
  return specifier.startsWith(".") ? relative("/", join("/", dirname(file), specifier)) : specifier;
}
