import type { Context } from "../context.ts";

/** What the reconciler hands to the API, named. */
export type StackView = NonNullable<Awaited<ReturnType<Context["reconciler"]["read"]>>>;
export type NodeState = NonNullable<ReturnType<StackView["views"]["get"]>>;
export type CompiledNode = Awaited<ReturnType<Context["reconciler"]["preview"]>>["nodes"][number];
export type PauseRow = Awaited<ReturnType<Context["store"]["pauses"]["ofStack"]>>[number];
export type RunRow = NonNullable<Awaited<ReturnType<Context["store"]["runs"]["get"]>>>;
export type EventRow = Awaited<ReturnType<Context["store"]["events"]["list"]>>[number];
