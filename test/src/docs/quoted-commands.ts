/** A command line as a page or a code's text quotes it. */
export interface QuotedCommand {
  readonly program: "fettle" | "fettle-agent" | "npm";
  readonly words: readonly string[];
  /** As it stands there. */
  readonly text: string;
}

/** Ways to run `fettle` that are the same to the reader as the program itself. */
const SAME = /npm run (?:--silent )?(?:lab -- )?(fettle(?:-agent)?) --|npm run (?:--silent )?lab -- (?=fettle )/g;
/** Where one command ends: a pipe, another command, a comment, a column, or the prose around it. */
const END = /\s[|>&#]|[;,)…]|\s?\(|\s{2}|: |\.(?:\s|$)/;
const COMMAND = new RegExp(`(?<![\\w./'-])(fettle-agent|fettle|npm) +((?:(?!${END.source})[^\\n\`])+)`, "g");
const WORD = /'[^']*'|"[^"]*"|\S+/g;

/** The commands of a text in Markdown, in its code spans and fenced blocks; what is prose is left out. */
export function commandsIn(markdown: string): QuotedCommand[] {
  return codeOf(markdown).flatMap((code) =>
    [...code.replace(SAME, "$1").matchAll(COMMAND)].map(([, program = "", rest = ""]) => {
      const text = rest.trim();
      const words = [...text.matchAll(WORD)].map(([word]) => word.replace(/^(['"])(.*)\1$/, "$2"));
      return { program: program as QuotedCommand["program"], words, text: `${program} ${text}` };
    }),
  );
}

/** Code spans and the lines of fenced blocks. */
export function codeOf(markdown: string): string[] {
  const parts = markdown.split(/^```.*$/m);
  return parts.flatMap((part, at) =>
    at % 2 === 1 ? part.split("\n") : [...part.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span),
  );
}
