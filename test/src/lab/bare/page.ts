import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const docs = resolve(import.meta.dirname, "../../../../docs");

/** The fenced `sh` blocks of a page below one heading, in order, as a reader copies them. */
export function blocksOf(page: string, heading: string): string[] {
  const text = readFileSync(resolve(docs, page), "utf8");
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const start = text.split("\n").indexOf(heading);
  assert.ok(start >= 0, `docs/${page} has no ${heading}`);
  const lines = text.split("\n").slice(start + 1);
  const end = lines.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  const section = (end < 0 ? lines : lines.slice(0, end)).join("\n");
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** The one block below that heading that begins with these words. */
export function blockThat(page: string, heading: string, begins: string): string {
  const found = blocksOf(page, heading).find((block) => block.startsWith(begins));
  assert.ok(found !== undefined, `docs/${page}, ${heading}: no block begins with ${begins}`);
  return found;
}
