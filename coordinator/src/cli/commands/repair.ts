import { repairRoute } from "@fettle/shared/api/repair.ts";
import type { Declare } from "../command.ts";
import type { Session } from "../session.ts";
import { parseWhere } from "../where.ts";

export const repair: Declare = (program, act) => {
  program
    .command("repair")
    .argument("[where]", "NODE or NODE/ID; default: all that is not in sync")
    .description("Try again at once: resets backoff and contention")
    .action(act(run));
};

async function run({ api, out, query }: Session, text: string | undefined): Promise<number> {
  const answer = await api.call(repairRoute, { query, body: text === undefined ? {} : parseWhere(text) });
  if (out.isJson) out.json("repair", answer);
  else if (answer.resources.length === 0) out.lines(["nothing to repair"]);
  else out.lines(answer.resources.map((where) => `${where} is tried again`));
  return 0;
}
