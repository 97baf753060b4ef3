import { localDone } from "../views.ts";
import { type Command, printJson } from "./command.ts";

export const resume: Command = {
  name: "resume",
  summary: "end a pause that was made on this machine",
  usage: "[ROLE|ID]",
  options: {},
  detailed: false,
  positionals: 1,
  async run({ json, positionals }, io) {
    const scope = positionals[0] ?? "*";
    const body = { scope, by: io.user };
    const { done } = localDone.parse(await io.call({ method: "POST", path: "/v1/resume", body }));
    if (json) printJson(io, { scope, resumed: done });
    else io.out(done ? "Resumed.\n" : "There was no such pause here; `fettle-agent status` lists them.\n");
    return 0;
  },
};
