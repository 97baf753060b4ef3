import type { NodeView } from "@fettle/shared/api/nodes.ts";
import type { PauseView } from "@fettle/shared/api/pause.ts";
import type { ResourceView } from "@fettle/shared/api/resources.ts";
import type { Status, StatusItem } from "@fettle/shared/api/status.ts";
import { rollUp, WORDS } from "@fettle/shared/api/words.ts";
import { SEVERITIES } from "@fettle/shared/codes/code.ts";
import type { Progress } from "@fettle/shared/protocol/resource-report.ts";
import type { StackView } from "../types.ts";
import { chainOf } from "./chain.ts";
import { NO_STATE, nodeView } from "./node-view.ts";
import { known, noteOf } from "./note.ts";
import { resourceViews } from "./resource-view.ts";

const PEOPLE = new Set(["blocked", "contended"]);
const CHANGING = new Set(["repairing", "waiting", "drifted", "failed"]);
/** Reported and, as the stack says or while the coordinator is away, not repaired. */
const LEFT = new Set(["agent.observing", "agent.no-coordinator", "identity.frozen", "identity.other-machine"]);

/**
 * The whole stack on one screen: what only a person can do (`own` is what is to be done for the coordinator itself), what
 * Fettle changes, the rest. Pure.
 */
export function statusView(
  stack: StackView,
  pauses: readonly PauseView[],
  own: readonly StatusItem[],
  seenAt: (node: string) => number | null,
): Status {
  const nodes = [...stack.rows.keys()].sort().map((node) => nodeView(stack, node, seenAt(node)));
  const resources = nodes.flatMap(({ node }) => resourceViews(node, stack.views.get(node) ?? NO_STATE));
  const shown = explained(resources);
  const items = (wanted: (resource: ResourceView) => boolean) => shown.filter(wanted).map(resourceItem);
  const notes = nodes.flatMap(nodeItems);
  const urgent = (item: StatusItem) => item.severity === "critical" || item.state !== "finding";
  const findings = [...notes, ...shown.flatMap(findingItems)];
  return {
    stack: stack.stack,
    revision: stack.revision,
    environment: stack.spec.environment,
    mode: stack.spec.mode,
    at: stack.at,
    word: rollUp(nodes.map((node) => node.word)),
    people: worstFirst([...items((resource) => PEOPLE.has(resource.state)), ...findings.filter(urgent), ...own]),
    changing: items((resource) => CHANGING.has(resource.state) && !isLeft(resource)),
    rest: worstFirst([
      ...items((resource) => resource.state === "paused" || resource.state === "unknown" || isLeft(resource)),
      ...findings.filter((item) => !urgent(item)),
    ]),
    counts: countsOf(resources),
    chain: chainOf(stack),
    nodes,
    pauses: [...pauses],
  };
}

/** Without what another code on the same node explains: the cause is shown, not each of its effects. */
function explained(resources: readonly ResourceView[]): ResourceView[] {
  const present = new Set(resources.map(({ node, code }) => `${node} ${code}`));
  return resources.filter(({ node, code }) => {
    const causes = code === undefined ? [] : (known(code)?.dependsOn ?? []);
    return !causes.some((cause) => present.has(`${node} ${cause}`));
  });
}

function isLeft({ code }: ResourceView): boolean {
  return code !== undefined && LEFT.has(code);
}

function resourceItem(resource: ResourceView): StatusItem {
  const { node, id, state, code, severity, text, remedy, since, progress } = resource;
  return {
    where: `${node}/${id}`,
    state,
    severity: severity ?? "info",
    text: progress === undefined ? (text ?? changesText(resource)) : progressText(progress),
    since,
    ...(code === undefined ? {} : { code }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function changesText({ changes, lastState }: ResourceView): string {
  const [first, ...more] = changes;
  if (first === undefined) return lastState === undefined ? "" : `was ${lastState}`;
  const rest = more.length === 0 ? "" : ` and ${more.length} more`;
  return `${first.what}: ${first.from ?? "absent"} -> ${first.to ?? "absent"}${rest}`;
}

function progressText({ text, doneBytes, totalBytes, secondsLeft }: Progress): string {
  if (doneBytes === undefined || totalBytes === undefined || totalBytes === 0) return text;
  const percent = Math.floor((100 * doneBytes) / totalBytes);
  return `${text} ${percent} %${secondsLeft === undefined ? "" : `, ${Math.round(secondsLeft)} s left`}`;
}

/** A node that is not there needs a person; what else is said of it is a finding. */
function nodeItems({ node, connection, seenAt, findings }: NodeView): StatusItem[] {
  const items = findings.map((note) => ({ where: node, state: "finding", since: null, ...note }));
  if (connection === "connected") return items;
  const code = `stack.${connection}` as const;
  return [{ where: node, state: connection, since: seenAt, ...noteOf(code, {}, node) }, ...items];
}

function findingItems({ node, id, state, findings }: ResourceView): StatusItem[] {
  if (state === "unknown") return [];
  return findings.map((note) => ({ where: `${node}/${id}`, state: "finding", since: null, ...note }));
}

function worstFirst(items: readonly StatusItem[]): StatusItem[] {
  const rank = (item: StatusItem) => -SEVERITIES.indexOf(item.severity);
  return [...items].sort((a, b) => rank(a) - rank(b));
}

function countsOf(resources: readonly ResourceView[]): Status["counts"] {
  const count = (word: string) => resources.filter((resource) => resource.state === word).length;
  return Object.fromEntries(WORDS.map((word) => [word, count(word)]).filter(([, number]) => number !== 0));
}
