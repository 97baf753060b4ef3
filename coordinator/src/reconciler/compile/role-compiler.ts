import type { StackSpec } from "@fettle/shared/stack/stack.ts";

/** All that compile reads. Nothing else steers: no time, no metric, no health. */
export interface CompileInput {
  readonly spec: StackSpec;
  /** X.Y of GitLab that `gateway.image: auto` is latched to at this revision; null while no version is known. */
  readonly track: string | null;
  /** What each agent says it understands; a node that never said anything is taken to understand all. */
  readonly capabilities: ReadonlyMap<string, readonly string[]>;
}

/** A resource on some node that must be in sync; `resource` without a name means every resource of that kind. */
export interface Need {
  readonly node: string;
  readonly resource: string;
}

/** A gate as declared by the stack, before anybody looked whether it is open. */
export interface CompiledGate {
  readonly resource: string;
  /** What it latches for: the resource's own part of the parameters. */
  readonly hash: string;
  readonly needs: readonly Need[];
  /** What it waits for where that is no resource; shut while `met` is false. */
  readonly fact?: { readonly text: string; readonly met: boolean };
  /** The id of a resource of the same node: the needs count only from its last repair on. */
  readonly sinceSwap?: string;
  /** Ids of the same node that are in sync before the needs are asked to look again: a look at what only starts fails. */
  readonly askedAfter?: readonly string[];
}

/** One role's compiler. Pure. */
export interface RoleCompiler {
  readonly role: string;
  /** The nodes that hold the role. */
  nodes(spec: StackSpec): readonly string[];
  params(input: CompileInput, node: string): unknown;
  gates(input: CompileInput, node: string): readonly CompiledGate[];
}
