import { cancelUpdateRoute, startUpdateRoute, type UpdateView, updateRoute } from "@fettle/shared/api/update.ts";
import { formatDuration, parseDuration } from "@fettle/shared/lib/duration.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Declare } from "../command.ts";
import { failureLines, updateLines, updateProblem } from "../render/update.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

const PACE_MS = 1_000;

interface Options {
  readonly version?: string;
  readonly wait?: true;
  readonly timeout: string;
  readonly status?: true;
  readonly cancel?: true;
}

export const update: Declare = (program, act) => {
  program
    .command("update")
    .argument("[nodes...]", "these nodes; default: all of them")
    .description("Update the agents: one node first, then the rest one at a time, halting at the first failure")
    .option("--version <version>", "to this version; default: the newest that the coordinator has")
    .option("--wait", "wait until every node has it, or it halts")
    .option("--timeout <time>", "how long to wait at most, as in 30m", "30m")
    .option("--status", "how the last update stands; changes nothing")
    .option("--cancel", "nobody else begins; what has begun goes on to its end")
    .action(act(run));
};

async function run(session: Session, nodes: readonly string[], options: Options): Promise<number> {
  const alone = options.status ? "--status" : options.cancel ? "--cancel" : null;
  if (alone !== null && (nodes.length > 0 || options.version !== undefined || (options.status && options.cancel)))
    throw usage(`update ${alone} takes nothing else`);
  if (options.status) return await status(session, options);
  if (options.cancel) return await cancel(session);
  const { api, query } = session;
  const body = { ...(options.version && { version: options.version }), ...(nodes.length > 0 && { nodes: [...nodes] }) };
  const asked = await api.call(startUpdateRoute, { query, body });
  if (options.wait) {
    if (!session.out.isJson) session.out.lines([firstLine(asked)]);
    return await waited(session, options);
  }
  show(session, asked, [firstLine(asked)]);
  return 0;
}

async function status(session: Session, options: Options): Promise<number> {
  if (options.wait) return await waited(session, options);
  const { update: found, versions } = await session.api.call(updateRoute, { query: session.query });
  const have = `the coordinator has ${versions.length === 0 ? "no release of the agent" : versions.join(", ")}`;
  if (session.out.isJson) session.out.json("update-status", { update: found, versions });
  else if (found === null) session.out.lines(["no update was asked for", have]);
  else show(session, found, [], [have]);
  return 0;
}

async function cancel(session: Session): Promise<number> {
  const found = await session.api.call(cancelUpdateRoute, { query: session.query });
  show(session, found, [`the update to ${found.version} is cancelled`]);
  return 0;
}

function firstLine({ version, steps, finished }: UpdateView): string {
  const first = steps.find(({ state }) => state === "queued" || state === "updating" || state === "waiting");
  if (finished) return `every node runs ${version} already`;
  if (first === undefined) return `to ${version}, as soon as one of the nodes is back`;
  return `to ${version}: ${first.node} first, then the rest one at a time`;
}

function show({ out }: Session, found: UpdateView, before: readonly string[], after: readonly string[] = []): void {
  if (out.isJson) out.json("update", found);
  else out.lines([...before, ...updateLines(found, out), ...failureLines(found), ...after]);
}

/** Prints what changes until nobody is left to update. Throws `update.halted`, `cli.timeout`. */
async function waited(session: Session, options: Options): Promise<number> {
  const { api, out, clock, signal, query } = session;
  const timeout = parseDuration(options.timeout);
  if (timeout === null) throw usage(`--timeout takes a time as in 30m, not ${options.timeout}`);
  const end = clock.mono() + timeout;
  for (let said = ""; ; ) {
    const { update: found } = await api.call(updateRoute, { query });
    if (found === null) throw new FettleError("update.none");
    const lines = updateLines(found, out);
    if (!out.isJson && lines.join("\n") !== said) out.lines(lines);
    said = lines.join("\n");
    const problem = updateProblem(found);
    if ((found.finished || problem !== null) && out.isJson) out.json("update", found);
    if (found.finished) return 0;
    if (problem !== null && out.isJson) return 1;
    if (problem !== null) throw problem;
    if (clock.mono() > end) throw new FettleError("cli.timeout", { time: formatDuration(timeout), word: "updating" });
    await clock.sleep(PACE_MS, signal).catch(() => {
      throw new FettleError("cli.interrupted");
    });
  }
}
