import { STALE_MS } from "@fettle/shared/protocol/envelope.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";

/** What a node last said, and whether that still counts. */
export interface NodeView {
  readonly report: Report | null;
  /** Frames arrive from it. */
  readonly live: boolean;
  /** The token of the update that it was given on its present connection; null for none. */
  readonly givenUpdate?: string | null;
  /** Of the desired state that the coordinator holds for it; 0 before the first. */
  readonly generation: number;
  readonly hash: string;
}

/** The last repair of a resource: the run's id and when it ended. */
export interface Swap {
  readonly id: string;
  readonly at: number;
}

export interface World {
  readonly now: number;
  readonly nodes: ReadonlyMap<string, NodeView>;
  /** `NODE/ID` -> its last repair. */
  readonly swaps: ReadonlyMap<string, Swap>;
}

export function isLive(connection: { readonly seenAt: number } | undefined, now: number): boolean {
  return connection !== undefined && now - connection.seenAt < STALE_MS;
}

/** True when the report is about the desired state that is in force, so its words mean what was declared. */
export function isCurrent(view: NodeView): boolean {
  const held = view.report?.desired;
  return view.live && held?.state === "accepted" && held.generation === view.generation && held.hash === view.hash;
}

/** The reports of one resource, or, for an id without a name, of every resource of that kind. */
export function resourcesOf(view: NodeView | undefined, id: string): readonly ResourceReport[] {
  const all = view?.report?.resources ?? [];
  return all.filter((resource) => resource.id === id || resource.id.startsWith(`${id}[`));
}
