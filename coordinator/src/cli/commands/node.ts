import { removeNodeRoute } from "@fettle/shared/api/nodes.ts";
import type { Declare } from "../command.ts";

export const node: Declare = (program, act) => {
  const group = program.command("node").description("Machines");
  group
    .command("remove")
    .argument("<node>")
    .description("Take a machine's trust away and forget it; nothing on it is changed")
    .action(
      act(async ({ api, out }, name: string) => {
        const answer = await api.call(removeNodeRoute, { params: { node: name } });
        if (out.isJson) out.json("node-removed", answer);
        else
          out.lines([
            `${name} is removed`,
            ...(answer.declared
              ? [`the stack still names it: fettle token create --node ${name}, or take it out and apply`]
              : []),
          ]);
        return 0;
      }),
    );
};
