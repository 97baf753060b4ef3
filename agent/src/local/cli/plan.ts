import { exitCodeOf, rollUp } from "@fettle/shared/api/words.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import type { PlannedResource } from "@fettle/shared/protocol/plan.ts";
import { localPlan } from "../views.ts";
import { changeLines } from "./changes.ts";
import { type Command, printJson } from "./command.ts";

export const plan: Command = {
  name: "plan",
  summary: "look at everything now and say what Fettle would change; changes nothing",
  usage: "",
  options: {},
  detailed: true,
  positionals: 0,
  async run({ json, detailedExitcode }, io) {
    const { resources } = localPlan.parse(await io.call({ method: "POST", path: "/v1/plan", body: null }));
    const word = rollUp(resources.map(({ state }) => state));
    if (json) printJson(io, { word, resources });
    else {
      const differing = resources.filter(({ state }) => state !== "in-sync" && state !== "released");
      for (const resource of differing) io.out(described(resource));
      io.out(`${differing.length} of ${resources.length} differ from what is declared.\n`);
    }
    return detailedExitcode ? exitCodeOf(word) : 0;
  },
};

function described(resource: PlannedResource): string {
  const { id, state, reason, changes, disturbs, downloadBytes, creates } = resource;
  const notes = [
    ...(disturbs === "service" ? ["restarts the service"] : []),
    ...(downloadBytes ? [`downloads ${Math.ceil(downloadBytes / 1_000_000)} MB`] : []),
    ...(creates === undefined ? [] : [`creates ${printable(creates)}`]),
  ];
  const head = `${id}: ${state}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}\n`;
  return `${head}${reason === undefined ? "" : `  ${printable(reason)}\n`}${changeLines(changes)}`;
}
