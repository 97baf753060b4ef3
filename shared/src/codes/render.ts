import type { CodeArgs } from "./code.ts";

/** Fills `{name}` in a code's text; a name without a value stays visible, so that a missing argument is noticed. */
export function render(text: string, args: CodeArgs): string {
  return text.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => String(args[name] ?? whole));
}

/** A remedy about one place, `NODE` or `NODE/ID`: those words in its commands become the place itself. */
export function renderAt(text: string, args: CodeArgs, where: string): string {
  const [node = where] = where.split("/", 1);
  return render(text, args)
    .replaceAll("NODE/ID", quoted(where))
    .replace(/\bNODE\b/g, node);
}

/** A shell would read the brackets of `ollama.model[mistral:instruct]` as a pattern. */
function quoted(where: string): string {
  return where.includes("[") ? `'${where}'` : where;
}
