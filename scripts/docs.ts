import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codesPage } from "./docs/codes-page.ts";
import { stackFilePage } from "./docs/stack-file-page.ts";

/** The pages of docs/ that are written from the code. `--check` says which are not current, and changes nothing. */
export const pages: Readonly<Record<string, () => string>> = {
  "stack-file.md": stackFilePage,
  "codes.md": codesPage,
};

const FOLDER = join(import.meta.dirname, "../docs");

export function isCurrent(name: string, text: string): boolean {
  try {
    return readFileSync(join(FOLDER, name), "utf8") === text;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const stale = Object.entries(pages).filter(([name, page]) => !isCurrent(name, page()));
  const check = process.argv.includes("--check");
  for (const [name, page] of check ? [] : stale) writeFileSync(join(FOLDER, name), page());
  for (const [name] of stale) process.stdout.write(`docs/${name} ${check ? "is not current" : "written"}\n`);
  if (check && stale.length > 0) process.exitCode = 1;
}
