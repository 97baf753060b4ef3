import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { Store } from "../store/store.ts";
import { type CompiledNode, compileNode } from "./compile/compile.ts";
import { compileInput, knownTrack } from "./stack-view.ts";

export interface Preview {
  /** Null where the stack names its image, or no GitLab version is known. */
  readonly track: string | null;
  /** The spec's nodes, and those of the stack that it names no more (without roles). */
  readonly nodes: readonly CompiledNode[];
}

/** What an apply of this spec at this moment would make of each node; stores nothing. */
export async function preview(store: Store, spec: StackSpec, at: number): Promise<Preview> {
  const [rows, steering] = await Promise.all([store.nodes.ofStack(spec.name), store.facts.steering(spec.name, at)]);
  const track = spec.gateway?.image === "auto" ? knownTrack(spec, steering) : null;
  const input = compileInput({ spec, track, rows: new Map(rows.map((row) => [row.node, row])) });
  const names = new Set([...Object.keys(spec.nodes), ...rows.map((row) => row.node)]);
  return { track, nodes: [...names].sort().map((node) => compileNode(input, node)) };
}
