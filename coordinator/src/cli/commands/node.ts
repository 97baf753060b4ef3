import { removeNodeRoute } from "@fettle/shared/api/nodes.ts";
import { readmitNodeRoute } from "@fettle/shared/api/readmit.ts";
import { machineText } from "@fettle/shared/protocol/machine.ts";
import type { Declare } from "../command.ts";

export const node: Declare = (program, act) => {
  const group = program.command("node").description("Machines");
  group
    .command("readmit")
    .argument("<node>")
    .option("--machine <id>", "which machine it is, when several use its identity: one of its ids")
    .description("Say which machine a node is: it gets a new certificate, and whoever else has its identity is cut off")
    .action(
      act(async ({ api, out }, name: string, { machine }: { machine?: string }) => {
        const body = machine === undefined ? {} : { machine };
        const answer = await api.call(readmitNodeRoute, { params: { node: name }, body });
        if (out.isJson) out.json("node-readmitted", answer);
        else
          out.lines([`${name} is ${machineText(answer.machine)}`, "its agent takes a new certificate within minutes"]);
        return 0;
      }),
    );
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
