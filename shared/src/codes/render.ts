import type { CodeArgs } from "./code.ts";

/** Fills `{name}` in a code's text; a name without a value stays visible, so that a missing argument is noticed. */
export function render(text: string, args: CodeArgs): string {
  return text.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => String(args[name] ?? whole));
}
