import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Resource } from "../resources/resource.ts";
import type { RoleParams } from "./desired-state.ts";

/** What the loop is to keep: the resources in order, and what travels beside them. */
export interface Standing extends Pick<Desired, "epoch" | "generation" | "gates" | "policy" | "retry" | "approvals"> {
  /** Role name -> its validated parameters. */
  readonly roles: RoleParams;
  readonly resources: readonly Resource[];
  /** Resource id -> why local policy refuses it; it is not even looked at. */
  readonly refusals: ReadonlyMap<string, { readonly code: Code; readonly args: CodeArgs }>;
}

/** Before the first desired state: nothing to keep. */
export const NOTHING: Standing = {
  epoch: 0,
  generation: 0,
  gates: [],
  policy: { mode: "observe", pauses: [], contention: null },
  retry: {},
  approvals: [],
  roles: {},
  resources: [],
  refusals: new Map(),
};
