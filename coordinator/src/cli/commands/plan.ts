import { type NodePlan, planRoute } from "@fettle/shared/api/plan.ts";
import { exitCodeOf, type Word } from "@fettle/shared/api/words.ts";
import type { Declare } from "../command.ts";
import type { Output } from "../output.ts";
import { blockers, planLines } from "../render/planned.ts";
import type { Session } from "../session.ts";

export const plan: Declare = (program, act) => {
  program
    .command("plan")
    .description("What a file would change, asked of the agents; changes nothing")
    .requiredOption("-f, --file <file>", "the stack file; - is standard input")
    .option("--detailed-exitcode", "0 nothing to do, 2 changes, 3 unknown, 4 needs a person")
    .action(act(run));
};

async function run(
  session: Session,
  { file, detailedExitcode }: { file: string; detailedExitcode?: true },
): Promise<number> {
  const { api, out } = session;
  const answer = await api.call(planRoute, { body: { text: await session.read(file) } });
  if (out.isJson) out.json("plan", answer);
  else out.lines(lines(answer, out));
  return detailedExitcode ? exitCodeOf(answer.word) : 0;
}

function lines(answer: { mode: string; word: Word; revision: number; nodes: NodePlan[] }, out: Output): string[] {
  const observing = answer.mode === "observe" ? ["The file says mode: observe, so an apply would only watch."] : [];
  const from = answer.revision === 0 ? "no stack yet" : `revision ${answer.revision}`;
  const end = `From ${from}. Nothing was changed; next: fettle apply -f FILE`;
  return [...observing, ...blockers(answer.nodes, out), ...answer.nodes.flatMap((node) => planLines(node, out)), end];
}
