import { exitCodeOf, rollUp, WORDS } from "@fettle/shared/api/words.ts";
import { formatDuration } from "@fettle/shared/lib/duration.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import { type LocalStatus, localStatus } from "../views.ts";
import { type Command, type Io, printJson } from "./command.ts";
import { table } from "./table.ts";

export const status: Command = {
  name: "status",
  summary: "how this machine stands, worst first",
  usage: "",
  options: {},
  detailed: true,
  positionals: 0,
  async run({ json, detailedExitcode }, io) {
    const found = localStatus.parse(await io.call({ method: "GET", path: "/v1/status", body: null }));
    const word = rollUp(found.report.resources.map(({ state }) => state));
    if (json) printJson(io, { word, ...found });
    else print(found, word, io);
    return detailedExitcode ? exitCodeOf(word) : 0;
  },
};

function print(found: LocalStatus, word: string, io: Io): void {
  const { node, stack, mode, report } = found;
  const now = io.clock.now();
  const place = node === null ? "This machine is not enrolled" : `${node} in the stack ${stack ?? "?"}`;
  io.out(
    `${place}: ${report.resources.length === 0 ? "nothing declared yet" : word}${mode === "observe" ? " (mode observe: nothing is changed)" : ""}\n`,
  );
  io.out(`Coordinator: ${linkLine(found, now)}\n`);
  io.out(`Agent: ${printable(agentLine(found))}\n`);
  const observing = report.agent?.observing ?? null;
  if (observing !== null) io.out(`Only observing: ${printable(observing.reason)}\n`);
  if (report.health !== null) io.out(`Health: ${report.health.state}\n`);
  for (const { scope, reason, until } of report.pauses) {
    const end = until === null ? "until resumed" : `for ${formatDuration(until - now)} more`;
    io.out(`Paused: ${scope === "*" ? "everything" : printable(scope)}, ${end}: ${printable(reason)}\n`);
  }
  if (report.desired?.state === "rejected") io.out(`Rejected: ${printable(report.desired.reason ?? "")}\n`);
  if (report.resources.length > 0)
    io.out(`\n${table([["RESOURCE", "STATE", "SINCE", "WHY"], ...rows(report.resources, now)])}`);
}

/** Its version, and the last update that it was asked for. */
function agentLine({ version, report: { agent } }: LocalStatus): string {
  const own = agent?.dev ? `${version} (dev build)` : version;
  const update = agent?.update ?? null;
  if (update === null || (update.state === "done" && update.version === version)) return own;
  const why = update.reason === undefined ? "" : `: ${update.reason}${update.code ? ` (${update.code})` : ""}`;
  return `${own}; update from ${update.from} to ${update.version} ${update.state}${why}`;
}

function linkLine({ link }: LocalStatus, now: number): string {
  const since = formatDuration(now - link.since);
  const where = link.coordinator ?? "none yet";
  if (link.state === "connected") return `connected to ${where} for ${since}`;
  const heard =
    link.heardAt === null ? "not heard since the start" : `last heard ${formatDuration(now - link.heardAt)} ago`;
  const problem =
    link.problem === null
      ? ""
      : `\n  ${printable(link.problem.message)} (${link.problem.code})\n  ${printable(link.problem.remedy)}`;
  return `not connected (${where}), ${heard}; this machine is kept as last declared${problem}`;
}

function rows(resources: readonly ResourceReport[], now: number): string[][] {
  const rank = ({ state }: ResourceReport): number => (state === "released" ? WORDS.length : WORDS.indexOf(state));
  return [...resources]
    .sort((a, b) => rank(a) - rank(b))
    .map(({ id, state, since, reason, progress }) => [
      id,
      state,
      formatDuration(now - since),
      progress?.text ?? reason ?? "",
    ]);
}
