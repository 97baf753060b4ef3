import type { Hop } from "@fettle/shared/api/status.ts";
import type { PortProbe } from "@fettle/shared/protocol/health.ts";
import type { Role } from "@fettle/shared/roles/role.ts";
import { roles } from "@fettle/shared/roles/roles.ts";
import type { NodeState, StackView } from "../types.ts";
import { NO_STATE } from "./node-view.ts";
import { noteOf } from "./note.ts";
import { resourceViews } from "./resource-view.ts";

/** user -> GitLab -> gateway -> model servers: each hop with whether a request gets through it. Pure. */
export function chainOf(stack: StackView): Hop[] {
  return roles.flatMap((role) =>
    [...stack.rows.values()]
      .filter((row) => (JSON.parse(row.roles) as string[]).includes(role.name))
      .map((row) => hopOf(stack, role, row.node)),
  );
}

function hopOf(stack: StackView, role: Role, node: string): Hop {
  const state = stack.views.get(node) ?? NO_STATE;
  const closed = probesOf(stack, role, node).find((probe) => probe.result !== "ok" && probe.result !== "unknown");
  if (closed !== undefined) return { role: role.name, node, state: "broken", text: probeText(closed) };
  return { role: role.name, node, ...servesOf(role, node, state) };
}

function servesOf(role: Role, node: string, state: NodeState): Pick<Hop, "state" | "text"> {
  const serves = resourceViews(node, state).find((resource) => resource.id === role.serves);
  if (!state.live || serves === undefined || serves.state === "unknown")
    return { state: "unknown", text: state.live ? "not known yet" : "its node is not connected" };
  if (serves.state === "in-sync") return { state: "ok" };
  return { state: "broken", text: serves.text ?? serves.state };
}

type Seen = PortProbe & { readonly from: string };

/** What other nodes that are live found on this node's ports. */
function probesOf(stack: StackView, role: Role, node: string): Seen[] {
  const services = role.ports.map((port) => port.service);
  return [...stack.views].flatMap(([from, state]) =>
    !state.live || from === node
      ? []
      : (state.report?.ports ?? [])
          .filter((probe) => probe.peer === node && services.includes(probe.service))
          .map((probe) => ({ ...probe, from })),
  );
}

function probeText({ from, peer, host, port, result }: Seen): string {
  return noteOf("stack.port-refused", { node: from, peer, host, port, result }, from).text;
}
