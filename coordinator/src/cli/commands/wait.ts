import { type Status, statusRoute } from "@fettle/shared/api/status.ts";
import { exitCodeOf, type Word } from "@fettle/shared/api/words.ts";
import { formatDuration, parseDuration } from "@fettle/shared/lib/duration.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Declare } from "../command.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

const PACE_MS = 1000;
/** An agent reports at most once a second, so only what still holds after that is so. */
const HOLDS_MS = 1_500;

interface Options {
  readonly for: string;
  readonly timeout: string;
  readonly node?: string;
  readonly detailedExitcode?: true;
}

export const wait: Declare = (program, act) => {
  program
    .command("wait")
    .description("Wait until the stack, or a node, is in sync")
    .option("--for <state>", "what to wait for: in-sync", "in-sync")
    .option("--timeout <time>", "how long at most, as in 10m", "10m")
    .option("--node <node>", "this node alone")
    .option("--detailed-exitcode", "0 in sync, 2 changing or failed, 3 unknown, 4 needs a person")
    .action(act(run));
};

async function run(session: Session, options: Options): Promise<number> {
  if (options.for !== "in-sync") throw usage(`wait knows --for in-sync, not ${options.for}`);
  const timeout = parseDuration(options.timeout);
  if (timeout === null) throw usage(`--timeout takes a time as in 10m, not ${options.timeout}`);
  const { word, status } = await until(session, options.node, timeout);
  if (session.out.isJson) session.out.json("status", status);
  if (word === "in-sync") {
    if (!session.out.isJson) session.out.lines([`${options.node ?? status.stack} is in sync`]);
    return 0;
  }
  if (session.signal.aborted) throw new FettleError("cli.interrupted");
  if (options.detailedExitcode) return exitCodeOf(word);
  throw new FettleError("cli.timeout", { time: formatDuration(timeout), word });
}

async function until(
  session: Session,
  node: string | undefined,
  timeout: number,
): Promise<{ word: Word; status: Status }> {
  const { api, out, clock, signal, query } = session;
  const end = clock.mono() + timeout;
  let said = "";
  let inSyncFrom: number | null = null;
  for (;;) {
    const status = await api.call(statusRoute, { query });
    const word = wordOf(status, node);
    inSyncFrom = word === "in-sync" ? (inSyncFrom ?? clock.mono()) : null;
    const holds = inSyncFrom !== null && clock.mono() - inSyncFrom >= HOLDS_MS;
    if (holds || clock.mono() >= end || signal.aborted) return { word, status };
    const line = summary(status, word);
    if (line !== said && !out.isJson) out.note(line);
    said = line;
    await clock.sleep(Math.max(0, Math.min(PACE_MS, end - clock.mono())), signal).catch(() => undefined);
  }
}

function wordOf(status: Status, node: string | undefined): Word {
  if (node === undefined) return status.word;
  const found = status.nodes.find((each) => each.node === node);
  if (found === undefined) throw new FettleError("api.not-found", { what: `node ${node}` });
  return found.word;
}

/** The word and the first things that are the reason for it. */
function summary({ people, changing }: Status, word: Word): string {
  const reasons = [...people, ...changing].slice(0, 3).map(({ where, state }) => `${where} ${state}`);
  return reasons.length === 0 ? word : `${word}: ${reasons.join(", ")}`;
}
