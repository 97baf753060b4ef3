import { stackRoute } from "@fettle/shared/api/apply.ts";
import { auditRoute } from "@fettle/shared/api/audit.ts";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import { type NodeView, nodesRoute } from "@fettle/shared/api/nodes.ts";
import { resourcesRoute } from "@fettle/shared/api/resources.ts";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import type { Declare } from "../command.ts";
import { changeText } from "../render/changes.ts";
import { eventLine } from "../render/event.ts";
import { ago, table, time } from "../render/text.ts";
import type { Session } from "../session.ts";
import { parseWhere, usage } from "../where.ts";

interface Options {
  readonly node?: string;
  readonly state?: string;
  readonly limit?: string;
}

type List = (session: Session, options: Options) => Promise<void>;

export const get: Declare = (program, act) => {
  program
    .command("get")
    .argument("<what>", Object.keys(lists).join(" | "))
    .description("List nodes, resources, runs, events, the audit, or show the stack as applied")
    .option("--node <node>", "of this node, or of NODE/ID")
    .option("--state <state>", "resources in this state")
    .option("--limit <n>", "at most so many", "50")
    .action(act(run));
};

async function run(session: Session, what: string, options: Options): Promise<number> {
  const list = Object.hasOwn(lists, what) ? lists[what] : undefined;
  if (list === undefined) throw usage(`get takes ${Object.keys(lists).join(", ")}`);
  await list(session, options);
  return 0;
}

const lists: Readonly<Record<string, List>> = { nodes, resources, runs, events, audit, stack };

async function nodes({ api, out, query, clock }: Session): Promise<void> {
  const answer = await api.call(nodesRoute, { query });
  if (out.isJson) return out.json("nodes", answer);
  const rows = answer.nodes.map((each) => [
    each.node,
    each.roles.join(","),
    each.address ?? "",
    each.connection,
    ago(each.seenAt, clock.now()),
    each.health,
    `${each.generation.reported}/${each.generation.desired}`,
    versionText(each),
    each.word,
  ]);
  const head = ["NODE", "ROLES", "ADDRESS", "CONNECTION", "HEARD", "HEALTH", "GENERATION", "VERSION", "STATE"];
  out.lines(table(head, rows, out.columns));
}

/** As in `0.1.0`, `0.1.0 dev` or `0.1.0 -> 0.2.0 queued`. */
function versionText({ version, dev, update }: NodeView): string {
  const own = dev === true ? `${version ?? ""} dev` : (version ?? "");
  return update === null || update.state === "done" ? own : `${own} -> ${update.version} ${update.state}`;
}

async function resources({ api, out, query, clock }: Session, { node, state }: Options): Promise<void> {
  const answer = await api.call(resourcesRoute, { query: { ...query, node, state: state as never } });
  if (out.isJson) return out.json("resources", answer);
  const rows = answer.resources.map((each) => [
    `${each.node}/${each.id}`,
    each.state,
    ago(each.since, clock.now()),
    each.text ?? each.changes.map(changeText).join("; "),
  ]);
  out.lines(table(["RESOURCE", "STATE", "SINCE", "WHY"], rows, out.columns));
}

async function runs({ api, out, query }: Session, { node, limit }: Options): Promise<void> {
  const where = node === undefined ? {} : parseWhere(node);
  const answer = await api.call(runsRoute, { query: { ...query, ...where, limit } });
  if (out.isJson) return out.json("runs", answer);
  const rows = answer.runs.map((each) => [
    each.id,
    time(each.startedAt),
    `${each.node}/${each.resource}`,
    each.cause,
    each.outcome ?? each.phase,
    each.text ?? each.changes.map(changeText).join("; "),
  ]);
  out.lines(table(["RUN", "STARTED", "RESOURCE", "CAUSE", "OUTCOME", "WHAT"], rows, out.columns));
}

async function events({ api, out, query }: Session, { node, limit }: Options): Promise<void> {
  const where = node === undefined ? {} : parseWhere(node);
  const answer = await api.call(eventsRoute, { query: { ...query, ...where, limit } });
  if (out.isJson) return out.json("events", answer);
  out.lines(answer.events.map((event) => eventLine(event, out)));
}

async function audit({ api, out, query }: Session, { limit }: Options): Promise<void> {
  const answer = await api.call(auditRoute, { query: { ...query, limit } });
  if (out.isJson) return out.json("audit", answer);
  const rows = answer.audit.map((each) => [time(each.at), each.node ?? "coordinator", each.who, each.what]);
  out.lines(table(["AT", "WHERE", "WHO", "WHAT"], rows, out.columns));
}

async function stack({ api, out, query }: Session): Promise<void> {
  const answer = await api.call(stackRoute, { query });
  if (out.isJson) return out.json("stack", answer);
  out.raw(answer.text);
}
