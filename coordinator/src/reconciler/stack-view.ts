import type { Report } from "@fettle/shared/protocol/report.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { Hub } from "../hub/hub.ts";
import type { DesiredRow } from "../store/desired.ts";
import type { FactRow, SteeringFact } from "../store/facts.ts";
import type { IdentityCaseRow } from "../store/identity-cases.ts";
import type { NodeRow } from "../store/nodes.ts";
import type { Store } from "../store/store.ts";
import type { CompileInput } from "./compile/role-compiler.ts";
import { trackOf } from "./compile/track.ts";
import { type UpdateView, updateView } from "./updates.ts";
import { isLive, type NodeView } from "./world.ts";

/** All that the coordinator knows of one stack at one moment. */
export interface StackView {
  readonly stack: string;
  readonly revision: number;
  readonly spec: StackSpec;
  readonly at: number;
  readonly rows: ReadonlyMap<string, NodeRow>;
  readonly desired: ReadonlyMap<string, DesiredRow>;
  readonly views: ReadonlyMap<string, NodeView>;
  readonly facts: readonly FactRow[];
  /** Of the facts, what may steer now. */
  readonly steering: readonly SteeringFact[];
  /** As latched at this revision; null while it is not. */
  readonly track: string | null;
  /** By node: what a person has to say, or has said, of whose identity it is. */
  readonly cases: ReadonlyMap<string, IdentityCaseRow>;
  /** The update that was last asked for; null before the first. */
  readonly update: UpdateView | null;
}

/** null while nothing was applied. */
export async function readStack(store: Store, hub: Hub, stack: string, at: number): Promise<StackView | null> {
  const row = await store.stacks.get(stack);
  if (row === undefined) return null;
  const [meta, nodes, desired, reports, facts, steering, track, update, cases] = await Promise.all([
    store.meta.read(),
    store.nodes.ofStack(stack),
    store.desired.ofStack(stack),
    store.reports.ofStack(stack),
    store.facts.ofStack(stack),
    store.facts.steering(stack, at),
    store.imageTracks.get(stack, row.revision),
    store.updates.last(stack),
    store.identityCases.ofStack(stack),
  ]);
  const wanted = new Map(desired.map((each) => [each.node, each]));
  const said = new Map(reports.map((each) => [each.node, inEpoch(JSON.parse(each.body), meta?.epoch)]));
  const views = new Map(nodes.map(({ node }) => [node, viewOf(node, wanted.get(node), said.get(node), hub, at)]));
  const spec = JSON.parse(row.spec) as StackSpec;
  const rows = new Map(nodes.map((each) => [each.node, each]));
  return {
    stack,
    revision: row.revision,
    spec,
    at,
    rows,
    desired: wanted,
    views,
    facts,
    steering,
    track,
    cases: new Map(cases.map((each) => [each.node, each])),
    update: updateView(update, rows, views, at),
  };
}

export function compileInput(view: Pick<StackView, "spec" | "track" | "rows">): CompileInput {
  const said = [...view.rows.values()].flatMap(({ node, capabilities }) =>
    capabilities === null ? [] : [[node, JSON.parse(capabilities) as string[]] as const],
  );
  return { spec: view.spec, track: view.track, capabilities: new Map(said) };
}

/** X.Y of the version that may steer now; null while none is known. */
export function knownTrack(spec: StackSpec, steering: readonly SteeringFact[]): string | null {
  const fact = steering.find(({ node, name }) => node === spec.gitlab?.node && name === "gitlabVersion");
  return fact === undefined ? null : trackOf(fact.value);
}

/** What was held of another epoch is no answer to what is wanted now, also where number and hash are the same. */
function inEpoch(report: Report, epoch: number | undefined): Report {
  return report.desired === null || report.desired.epoch === epoch ? report : { ...report, desired: null };
}

function viewOf(
  node: string,
  desired: DesiredRow | undefined,
  report: Report | undefined,
  hub: Hub,
  at: number,
): NodeView {
  const connection = hub.connection(node);
  return {
    report: report ?? null,
    live: isLive(connection, at),
    givenUpdate: connection?.givenUpdate ?? null,
    generation: desired?.generation ?? 0,
    hash: desired?.hash ?? "",
  };
}
