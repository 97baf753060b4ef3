import { readmitNodeRoute } from "@fettle/shared/api/readmit.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { machineText } from "@fettle/shared/protocol/machine.ts";
import { steers } from "./handler.ts";
import { maySee } from "./principal.ts";

/** A person says which machine the node is; every other one that has its identity is cut off. */
export const readmitNode = steers(
  readmitNodeRoute,
  ({ params }, { stack, machine }) => ({ stack, what: `node readmit ${params.node}: ${machineText(machine)}` }),
  async ({ context, principal, params: { node }, body }) => {
    const { store, pki, hub, events, reconciler } = context;
    const row = await store.nodes.get(node);
    if (row === undefined || !maySee(principal, row.stack))
      throw new FettleError("api.not-found", { what: `node ${node}` });
    const { stack } = row;
    const machine = await pki.agents.approve(node, principal.who, body.machine);
    hub.cutOthers(node, machine);
    const text = `${principal.who} says that ${node} is ${machineText(machine)}.`;
    await events.record({ stack, kind: "node.readmitted", node, text, data: { ...machine } });
    reconciler.touch(node);
    return { stack, node, machine };
  },
);
