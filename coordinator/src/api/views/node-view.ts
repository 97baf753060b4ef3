import type { NodeView } from "@fettle/shared/api/nodes.ts";
import type { Note } from "@fettle/shared/api/resources.ts";
import { rollUp, type Word } from "@fettle/shared/api/words.ts";
import { caseNote } from "@fettle/shared/lib/identity-case.ts";
import type { NodeRow } from "../../store/nodes.ts";
import type { NodeState, StackView } from "../types.ts";
import { noteOf } from "./note.ts";
import { resourceViews } from "./resource-view.ts";

export const NO_STATE: NodeState = { report: null, live: false, generation: 0, hash: "" };

/** One node: connection, health and sync, each for itself. Pure. `seenAt` is the live connection's last frame. */
export function nodeView(stack: StackView, node: string, seenAt: number | null): NodeView {
  const row = stack.rows.get(node);
  const state = stack.views.get(node) ?? NO_STATE;
  const reported = state.report?.desired?.generation ?? 0;
  return {
    node,
    roles: row === undefined ? [] : (JSON.parse(row.roles) as string[]),
    address: row?.address ?? null,
    connection: connectionOf(row, state),
    seenAt: seenAt ?? row?.seenAt ?? null,
    version: state.report?.agent?.version ?? row?.version ?? null,
    dev: state.report?.agent?.dev ?? null,
    update: updateOf(stack, node),
    health: state.live ? (state.report?.health?.state ?? "unknown") : "unknown",
    word: wordOf(stack, node),
    generation: { desired: state.generation, reported },
    behind: isBehind(state),
    stale: !state.live,
    findings: [...findingsOf(stack, node, state), ...healthOf(node, state)],
  };
}

function connectionOf(row: NodeRow | undefined, { live }: NodeState): NodeView["connection"] {
  if (row === undefined || row.registeredAt === null) return "never-seen";
  if (row.uninstalledAt !== null) return "uninstalled";
  return live ? "connected" : "disconnected";
}

/** null too once it was cancelled. */
function updateOf({ update }: StackView, node: string): NodeView["update"] {
  const step = update?.row.cancelledAt === null ? update.rollout.steps.find((each) => each.node === node) : undefined;
  return update === null || step === undefined ? null : { version: update.row.version, state: step.state };
}

/** A node rolls up its resources; what is not known of its newest declaration counts as unknown. */
export function wordOf(stack: StackView, node: string): Word {
  const state = stack.views.get(node) ?? NO_STATE;
  const row = stack.rows.get(node);
  const states = resourceViews(node, state).map((resource) => resource.state);
  const idle = row !== undefined && (JSON.parse(row.roles) as string[]).length === 0;
  if (state.report?.desired?.state === "rejected" && state.live) return rollUp([...states, "blocked"]);
  if (idle && states.every((each) => each === "released")) return "in-sync";
  if (!state.live || isBehind(state) || states.length === 0) return rollUp([...states, "unknown"]);
  return rollUp(states);
}

export function isBehind(state: NodeState): boolean {
  const held = state.report?.desired;
  return state.generation > 0 && (held?.generation !== state.generation || held.hash !== state.hash);
}

/** What the coordinator itself finds; facts never steer, they are said. */
function findingsOf(stack: StackView, node: string, state: NodeState): Note[] {
  const held = state.report?.desired;
  const notes: Note[] = [];
  if (held?.state === "rejected")
    notes.push(noteOf("stack.rejected", { reason: held.reason ?? held.code ?? "no reason given" }, node));
  else if (isBehind(state) && state.live) notes.push(noteOf("stack.behind", { generation: state.generation }, node));
  return [
    ...caseNotes(stack, node),
    ...notes,
    ...addressNotes(stack, node, state),
    ...imageNotes(stack, node),
    ...updateNotes(stack, node),
  ];
}

function caseNotes({ cases }: StackView, node: string): Note[] {
  const found = cases.get(node);
  if (found === undefined) return [];
  const { code, args } = caseNote(found);
  return [noteOf(code, args, node)];
}

function addressNotes(stack: StackView, node: string, state: NodeState): Note[] {
  const declared = stack.spec.nodes[node]?.address;
  const found = state.report?.facts.addresses;
  if (declared === undefined || found === undefined || found.length === 0 || found.includes(declared)) return [];
  return [noteOf("stack.address-differs", { declared, found: found.slice(0, 4).join(", ") }, node)];
}

function imageNotes({ spec, track, views }: StackView, node: string): Note[] {
  if (spec.gateway?.node !== node || spec.gateway.image !== "auto" || track === null) return [];
  const version = views.get(spec.gitlab?.node ?? "")?.report?.facts.gitlabVersion;
  if (version === undefined || version.startsWith(`${track}.`)) return [];
  return [noteOf("stack.image-behind", { version, track }, node)];
}

/** The node where the update has stopped says so. */
function updateNotes({ update }: StackView, node: string): Note[] {
  if (update === null || update.row.cancelledAt !== null || update.rollout.halted !== node) return [];
  const step = update.rollout.steps.find((each) => each.node === node);
  return [noteOf("update.halted", { version: update.row.version, problem: step?.reason ?? step?.code ?? "" }, node)];
}

function healthOf(node: string, state: NodeState): Note[] {
  if (!state.live) return [];
  return (state.report?.health?.findings ?? []).map((finding) => noteOf(finding.code, finding.args, node));
}
