import { diffRoute } from "@fettle/shared/api/plan.ts";
import { exitCodeOf } from "@fettle/shared/api/words.ts";
import type { Declare } from "../command.ts";
import { resourceLines } from "../render/planned.ts";
import type { Session } from "../session.ts";

export const diff: Declare = (program, act) => {
  program
    .command("diff")
    .description("The declared state against the last reports; asks nobody")
    .option("--detailed-exitcode", "0 in sync, 2 differences, 3 unknown, 4 needs a person")
    .action(act(run));
};

async function run({ api, out, query }: Session, { detailedExitcode }: { detailedExitcode?: true }): Promise<number> {
  const answer = await api.call(diffRoute, { query });
  if (out.isJson) out.json("diff", answer);
  for (const { node, generation, behind, stale, resources } of out.isJson ? [] : answer.nodes) {
    const notes = [
      stale ? "not connected" : "",
      behind ? `has generation ${generation.reported} of ${generation.desired}` : "",
    ];
    const note = notes.filter((text) => text !== "").join(", ");
    const state = resources.length === 0 && note === "" ? "in sync" : note;
    out.lines([
      `${out.paint("bold", node)}  ${state}`.trimEnd(),
      ...resources.flatMap((each) => resourceLines(each, [], out)),
    ]);
  }
  return detailedExitcode ? exitCodeOf(answer.word) : 0;
}
