import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const docs = resolve(import.meta.dirname, "../../../../docs");

/** The fenced blocks of one language of a page below one heading, in order, as a reader copies them. */
export function blocksOf(page: string, heading: string, language = "sh"): string[] {
  const fences = sectionOf(page, heading).matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm);
  return [...fences].filter(([, of]) => of === language).map(([, , block = ""]) => withoutMargin(block));
}

/** The words between backticks of a page below one heading that begin so: a command within a sentence or a table. */
export function quotedThat(page: string, heading: string, begins: string): string {
  const quoted = [...sectionOf(page, heading).matchAll(/`([^`\n]+)`/g)].map(([, words = ""]) => words);
  const found = quoted.find((words) => words.startsWith(begins));
  assert.ok(found !== undefined, `docs/${page}, ${heading}: nothing quoted begins with ${begins}`);
  return found;
}

function sectionOf(page: string, heading: string): string {
  const text = readFileSync(resolve(docs, page), "utf8");
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const start = text.split("\n").indexOf(heading);
  assert.ok(start >= 0, `docs/${page} has no ${heading}`);
  const lines = text.split("\n").slice(start + 1);
  const end = lines.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return (end < 0 ? lines : lines.slice(0, end)).join("\n");
}

/** A block below a point of a list stands further right than it is copied. */
function withoutMargin(block: string): string {
  const margin = /^ */.exec(block)?.[0] ?? "";
  return block.replaceAll(new RegExp(`^${margin}`, "gm"), "");
}

/** The one block below that heading that begins with these words. */
export function blockThat(page: string, heading: string, begins: string): string {
  const found = blocksOf(page, heading).find((block) => block.startsWith(begins));
  assert.ok(found !== undefined, `docs/${page}, ${heading}: no block begins with ${begins}`);
  return found;
}
