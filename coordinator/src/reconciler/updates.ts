import type { SignedManifest } from "@fettle/shared/release/manifest.ts";
import type { ReconcilerParts } from "../context.ts";
import type { NodeRow } from "../store/nodes.ts";
import type { UpdateRow } from "../store/updates.ts";
import { type Rollout, type RolloutNode, rollout } from "./rollout.ts";
import type { StackView } from "./stack-view.ts";
import type { NodeView } from "./world.ts";

/** The update that was last asked for, and how it stands. */
export interface UpdateView {
  readonly row: UpdateRow;
  readonly rollout: Rollout;
}

/** null while no update was asked for. */
export function updateView(
  row: UpdateRow | undefined,
  rows: ReadonlyMap<string, NodeRow>,
  views: ReadonlyMap<string, NodeView>,
  now: number,
): UpdateView | null {
  if (row === undefined) return null;
  const asked = (JSON.parse(row.nodes) as string[]).filter((node) => rows.has(node));
  const nodes = asked.flatMap((node) => {
    const known = rows.get(node);
    return known === undefined ? [] : [rolloutNode(known, views.get(node))];
  });
  return { row, rollout: rollout(row, nodes, now) };
}

export function rolloutNode(row: NodeRow, view: NodeView | undefined): RolloutNode {
  const said = view?.report?.agent;
  return {
    node: row.node,
    roles: JSON.parse(row.roles) as string[],
    version: said?.version ?? row.version,
    live: view?.live ?? false,
    seenAt: row.seenAt,
    update: said?.update ?? null,
    given: view?.givenUpdate ?? null,
  };
}

/** What this node's agent is to run now; `release` is null while its turn has not come. */
export async function releaseFor(
  parts: Pick<ReconcilerParts, "releases">,
  { update, views }: Pick<StackView, "update" | "views">,
  node: string,
): Promise<{ readonly release: SignedManifest | null; readonly token: string }> {
  const none = { release: null, token: "" };
  if (update === null || update.row.cancelledAt !== null || !update.rollout.turn.has(node)) return none;
  const { version, token } = update.row;
  const arch = views.get(node)?.report?.facts.arch ?? "x64";
  const found = (await parts.releases()).find(({ manifest }) => manifest.version === version && manifest.arch === arch);
  return found === undefined ? none : { release: found.signed, token };
}

/** The nodes whose turn may have come with what another one said. */
export function nodesOfUpdate({ update }: Pick<StackView, "update">): readonly string[] {
  if (update === null || update.row.cancelledAt !== null || update.rollout.finished) return [];
  return update.rollout.steps.map(({ node }) => node);
}
