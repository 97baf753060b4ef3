import type { Declare } from "../command.ts";
import { SHELLS, scripts } from "../completion/scripts.ts";
import { treeOf } from "../completion/tree.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

export const completion: Declare = (program, act) => {
  program
    .command("completion")
    .argument("<shell>", SHELLS.join(", "))
    .description("Print a script that completes fettle's commands, for `source <(fettle completion bash)`")
    .action(
      act(async ({ out }: Session, given: string) => {
        const shell = SHELLS.find((known) => known === given);
        if (shell === undefined) throw usage(`completion takes ${SHELLS.join(", ")}, not ${given}`);
        out.raw(scripts[shell](treeOf(program)));
        return 0;
      }),
    );
};
