import { printable } from "@fettle/shared/lib/printable.ts";
import { stringify } from "yaml";
import { localPolicyView } from "../views.ts";
import { type Command, printJson } from "./command.ts";

export const policy: Command = {
  name: "policy",
  summary: "what this machine allows, what it pinned at first use, and what it refuses now",
  usage: "",
  options: {},
  detailed: false,
  positionals: 0,
  async run({ json }, io) {
    const found = localPolicyView.parse(await io.call({ method: "GET", path: "/v1/policy", body: null }));
    if (json) {
      printJson(io, found);
      return 0;
    }
    io.out(`From ${found.path}:\n${indented(stringify({ policy: found.policy }))}`);
    const pins = Object.keys(found.pins).length === 0 ? "nothing yet\n" : `\n${indented(stringify(found.pins))}`;
    io.out(`Pinned at first use: ${pins}`);
    for (const [id, { code, message, remedy }] of Object.entries(found.refusals))
      io.out(`Refused: ${id} (${code})\n  ${printable(message)}\n  ${printable(remedy)}\n`);
    return 0;
  },
};

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
