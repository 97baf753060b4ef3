import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { type Command, type Io, printJson } from "./command.ts";

export const enrol: Command = {
  name: "enrol",
  summary: "take this machine into a stack; the token comes from a file, FETTLE_TOKEN or stdin",
  usage: "",
  options: {
    "token-file": "file that holds the token",
    coordinator: "host or host:port of the coordinator's API; written to agent.yaml when that is absent",
  },
  detailed: false,
  positionals: 0,
  async run({ json, options }, io) {
    const token = await tokenOf(options["token-file"], io);
    const { node, stack, roles } = await io.enrol({ token, coordinator: options.coordinator ?? null });
    if (json) printJson(io, { node, stack, roles });
    else
      io.out(
        `This machine is ${node} in the stack ${stack} (${roles.join(", ")}).\nStart it with: systemctl enable --now fettle-agent\n`,
      );
    return 0;
  },
};

/** Never from an argument: those can be read by everybody on the machine. */
async function tokenOf(path: string | undefined, io: Io): Promise<Secret> {
  const text = path === undefined ? null : await io.readFile(path);
  if (path !== undefined && text === null)
    throw new FettleError("agent.usage", { problem: `there is no file ${path}` });
  if (text !== null) return new Secret(text.trim());
  if (io.token !== null) return io.token;
  const piped = await io.readStdin();
  if (piped !== null && piped.trim() !== "") return new Secret(piped.trim());
  throw new FettleError("agent.usage", { problem: "no token: give --token-file, FETTLE_TOKEN or pipe it in" });
}
