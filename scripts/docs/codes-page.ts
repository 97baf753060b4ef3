import type { CodeDefinition } from "../../shared/src/codes/code.ts";
import { codes } from "../../shared/src/codes/codes.ts";

/** docs/codes.md: every code with what it means and what to do, by the area before its first dot. */
export function codesPage(): string {
  const entries = Object.entries<CodeDefinition>(codes).sort(([a], [b]) => (a < b ? -1 : 1));
  const areas = [...new Set(entries.map(([code]) => code.slice(0, code.indexOf("."))))];
  return [
    HEAD,
    ...areas.map((area) =>
      section(
        area,
        entries.filter(([code]) => code.startsWith(`${area}.`)),
      ),
    ),
  ].join("\n");
}

const HEAD = `# Codes

<!-- Written by scripts/docs.ts from shared/src/codes; change it there. -->

Everything that Fettle says about a problem has a stable code. \`fettle explain CODE\` shows the same text.
Words in braces stand for what was found.
`;

function section(area: string, entries: readonly (readonly [string, CodeDefinition])[]): string {
  return [`## ${area}\n`, ...entries.map(([code, entry]) => item(code, entry))].join("\n");
}

function item(code: string, { severity, cause, remedy, dependsOn = [] }: CodeDefinition): string {
  const because =
    dependsOn.length === 0 ? [] : [`Explained by: ${dependsOn.map((each) => `\`${each}\``).join(", ")}.\n`];
  return [`### ${code}\n`, `*${severity}.* ${escaped(cause)}\n`, `**Next:** ${escaped(remedy)}\n`, ...because].join(
    "\n",
  );
}

/** Angle brackets would be read as HTML. */
function escaped(text: string): string {
  return text.replaceAll("<", "&lt;");
}
