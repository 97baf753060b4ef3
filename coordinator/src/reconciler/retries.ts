import type { RetryTokenRow } from "../store/retry-tokens.ts";
import type { CompiledNode } from "./compile/compile.ts";
import { isCurrent, resourcesOf, type World } from "./world.ts";

/**
 * Resource id -> the token that makes the agent look and try at once: what a person asked for, or, when it is later,
 * a swap elsewhere that this resource is to confirm (the gateway's container, confirmed by GitLab's answers).
 */
export function retriesFor(
  node: string,
  asked: readonly RetryTokenRow[],
  compiled: readonly CompiledNode[],
  world: World,
): Record<string, string> {
  const latest = new Map(asked.map(({ resource, token, at }) => [resource, { token, at }]));
  for (const [resource, swap] of confirmations(node, compiled, world)) {
    const known = latest.get(resource);
    if (known === undefined || known.at < swap.at) latest.set(resource, swap);
  }
  return Object.fromEntries([...latest].map(([resource, { token }]) => [resource, token]));
}

function* confirmations(node: string, compiled: readonly CompiledNode[], world: World) {
  for (const other of compiled) {
    for (const gate of other.gates) {
      const swap = gate.sinceSwap !== undefined ? world.swaps.get(`${other.node}/${gate.resource}`) : undefined;
      if (swap === undefined || !isUp(other.node, gate.askedAfter ?? [], world)) continue;
      for (const need of gate.needs.filter((each) => each.node === node))
        for (const { id } of resourcesOf(world.nodes.get(node), need.resource))
          yield [id, { token: swap.id, at: swap.at }] as const;
    }
  }
}

/** What was swapped is in use. */
function isUp(node: string, ids: readonly string[], world: World): boolean {
  const view = world.nodes.get(node);
  if (view === undefined || !isCurrent(view)) return false;
  return ids.every((id) => resourcesOf(view, id).every(({ state }) => state === "in-sync"));
}
