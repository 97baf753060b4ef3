import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { suggest } from "@fettle/shared/stack/suggest.ts";
import type { Declare } from "../command.ts";
import { table } from "../render/text.ts";
import type { Session } from "../session.ts";

export const explain: Declare = (program, act) => {
  program
    .command("explain")
    .argument("[code]", "as in agent.busy; without one all are listed")
    .description("What a code means and what to do")
    .action(act(run));
};

/** Needs no coordinator: the catalogue came with the CLI. */
async function run({ out }: Session, code: string | undefined): Promise<number> {
  const known = Object.keys(codes).sort() as Code[];
  const shown = code === undefined ? known : [nearest(code, known)];
  const entries = shown.map((each) => ({ code: each, ...codes[each] }));
  if (out.isJson) out.json("codes", { codes: entries });
  else if (code === undefined)
    out.lines(
      table(
        ["CODE", "SEVERITY", "CAUSE"],
        entries.map((each) => [each.code, each.severity, each.cause]),
        out.columns,
      ),
    );
  else
    for (const { severity, cause, remedy } of entries) out.lines([`${code} (${severity})`, cause, `next: ${remedy}`]);
  return 0;
}

function nearest(code: string, known: readonly Code[]): Code {
  const found = known.find((each) => each === code);
  if (found !== undefined) return found;
  const near = suggest(code, known);
  throw new FettleError("cli.no-such-code", { code, hint: near === null ? "" : ` Did you mean ${near}?` });
}
