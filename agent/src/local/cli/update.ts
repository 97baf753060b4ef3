import { resolve } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { localUpdate } from "../views.ts";
import { type Command, printJson } from "./command.ts";

export const update: Command = {
  name: "update",
  summary: "update this agent from an archive on this machine, with its .manifest beside it",
  usage: "",
  options: { release: "the archive, fettle-agent-VERSION-linux-ARCH.tar.gz (needed)" },
  detailed: false,
  positionals: 0,
  async run({ json, options: { release } }, io) {
    if (release === undefined) throw new FettleError("agent.usage", { problem: "update needs --release FILE" });
    const body = { path: resolve(release), by: io.user };
    const { from, version } = localUpdate.parse(await io.call({ method: "POST", path: "/v1/update", body }));
    if (json) printJson(io, { from, version });
    else
      io.out(
        `${from} -> ${version} is taken up; the agent restarts, and ${from} comes back by itself if ${version} does not work.\nSee how it went with: fettle-agent status\n`,
      );
    return 0;
  },
};
