import { FettleError } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import { type LocalWhy, localWhy } from "../views.ts";
import { changeLines } from "./changes.ts";
import { type Command, type Io, printJson } from "./command.ts";

export const why: Command = {
  name: "why",
  summary: "why a resource is as it is, and what to do",
  usage: "ID",
  options: {},
  detailed: false,
  positionals: 1,
  async run({ json, positionals }, io) {
    const id = positionals[0];
    if (id === undefined) throw new FettleError("agent.usage", { problem: "why needs the id of a resource" });
    const found = localWhy.parse(await io.call({ method: "POST", path: "/v1/why", body: { id } }));
    if (json) printJson(io, found);
    else print(found, io);
    return 0;
  },
};

function print({ resource, remedy, after, runs }: LocalWhy, io: Io): void {
  const { id, state, since, code, reason, changes, findings } = resource;
  io.out(`${id}: ${state} since ${timeOf(since)}${code === undefined ? "" : ` (${code})`}\n`);
  if (reason !== undefined) io.out(`  Why: ${printable(reason)}\n`);
  if (remedy !== null) io.out(`  Do:  ${printable(remedy)}\n`);
  if (changes.length > 0) io.out(`  Differs:\n${changeLines(changes, "    ")}`);
  for (const finding of findings) io.out(`  Also: ${finding.code}\n`);
  if (after.length > 0) io.out(`  After: ${after.join(", ")}\n`);
  if (runs.length > 0) io.out("  Runs:\n");
  for (const run of runs) {
    const end = run.outcome ?? run.phase;
    io.out(`    ${timeOf(run.startedAt)} ${end}${run.reason === null ? "" : `: ${printable(run.reason)}`}\n`);
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
