import { approveRoute } from "@fettle/shared/api/repair.ts";
import type { Declare } from "../command.ts";
import { parseResource } from "../where.ts";

export const approve: Declare = (program, act) => {
  program
    .command("approve")
    .argument("<resource>", "NODE/ID")
    .description("Your one-time yes to what a blocked resource asks for")
    .action(
      act(async ({ api, out }, text: string) => {
        const answer = await api.call(approveRoute, { body: parseResource(text) });
        if (out.isJson) out.json("approve", answer);
        else out.lines([`${answer.where} is approved, once${answer.code === "" ? "" : ` (${answer.code})`}`]);
        return 0;
      }),
    );
};
