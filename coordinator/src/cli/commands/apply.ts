import { applyRoute, stackRoute } from "@fettle/shared/api/apply.ts";
import { planRoute } from "@fettle/shared/api/plan.ts";
import { parseStack } from "@fettle/shared/stack/stack.ts";
import { RemoteError } from "../client.ts";
import type { Declare } from "../command.ts";
import { blockers, downloads } from "../render/planned.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

interface Options {
  readonly file: string;
  readonly revision?: string;
  readonly plan: boolean;
}

export const apply: Declare = (program, act) => {
  program
    .command("apply")
    .description("Make the file's stack the one that Fettle keeps")
    .requiredOption("-f, --file <file>", "the stack file; - is standard input")
    .option("--revision <n>", "the revision that the change was made on; default: the present one")
    .option("--no-plan", "do not ask the agents first what only a person can do")
    .action(act(run));
};

async function run(session: Session, { file, revision, plan }: Options): Promise<number> {
  const { api, out } = session;
  const text = await session.read(file);
  const basedOn = revision === undefined ? await present(session, text) : number(revision);
  if (plan && !out.isJson) await preview(session, text);
  const answer = await api.call(applyRoute, { body: { text, basedOn } });
  if (out.isJson) out.json("apply", answer);
  else out.lines(said(answer));
  return 0;
}

/** The stack's revision now; 0 for a file that names none, whose problems the coordinator then says. */
async function present({ api }: Session, text: string): Promise<number> {
  const parsed = parseStack(text);
  try {
    return parsed.ok ? (await api.call(stackRoute, { query: { stack: parsed.spec.name } })).revision : 0;
  } catch (error) {
    if (error instanceof RemoteError && error.code === "stack.absent") return 0;
    throw error;
  }
}

/** Before any long download the operator has seen what only a person can do. */
async function preview({ api, out }: Session, text: string): Promise<void> {
  const { nodes } = await api.call(planRoute, { body: { text } });
  out.lines([...blockers(nodes, out), ...downloads(nodes)]);
}

function said(answer: {
  stack: string;
  revision: number;
  changed: boolean;
  neverSeen: string[];
  released: string[];
}): string[] {
  const { stack, revision, changed, neverSeen, released } = answer;
  const lines = [
    changed ? `${stack}: revision ${revision} applied` : `${stack}: nothing changed, still revision ${revision}`,
  ];
  for (const node of released) lines.push(`${node} is no longer declared: released, nothing is deleted`);
  for (const node of neverSeen) lines.push(`${node} has never enrolled: fettle token create --node ${node}`);
  return [...lines, "next: fettle wait --for in-sync"];
}

function number(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`--revision takes a number, not ${text}`);
}
