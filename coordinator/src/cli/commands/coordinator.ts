import type { Declare } from "../command.ts";
import type { Session } from "../session.ts";
import { declareBackup } from "./coordinator-backup.ts";
import { declareRestore } from "./coordinator-restore.ts";
import { declareRoot } from "./coordinator-root.ts";

/** Works on the coordinator's own machine, beside the API. Loaded only when asked for: it brings the whole server. */
export const coordinator: Declare = (program, act) => {
  const group = program.command("coordinator").description("The coordinator on this machine");
  group.command("init").description("Make its database, CA and configuration").action(act(init));
  group
    .command("configure")
    .description("Write where it listens into coordinator.yaml; what else is in there stays")
    .option("--listen <address>", "of this machine; default: what the file says, else a private one")
    .option("--name <names...>", "more names or addresses by which it is reached, for its certificate")
    .option("--dry-run", "say what would be written")
    .action(act(configure));
  declareBackup(group, act);
  declareRestore(group, act);
  declareRoot(group, act);
  group.command("start").description("Run it until it is told to stop").action(act(start));
};

async function init({ out, environment }: Session): Promise<number> {
  const { initHere } = await import("../../admin/here.ts");
  const { coordinatorId, token, configFile } = await initHere({ ...environment });
  const answer = { coordinatorId, configFile, token: token.reveal() };
  if (out.isJson) out.json("coordinator-init", answer);
  else out.lines([answer.token]);
  if (!out.isJson)
    out.note(
      `the token above is the first admin's for the API and is shown this once; configuration: ${configFile}; next: fettle coordinator start`,
    );
  return 0;
}

interface ConfigureGiven {
  readonly listen?: string;
  readonly name?: readonly string[];
  readonly dryRun?: boolean;
}

async function configure({ out, environment }: Session, { listen, name = [], dryRun = false }: ConfigureGiven) {
  const { configureHere } = await import("../../admin/here.ts");
  const options = { names: name, dryRun, ...(listen === undefined ? {} : { listen }) };
  const { text, ...done } = await configureHere({ ...environment }, options);
  if (out.isJson) out.json("coordinator-configure", { ...done, text });
  else out.lines([text.trimEnd()]);
  const state = done.changed ? (dryRun ? "would be written" : "written") : "as it was";
  if (!out.isJson) out.note(`${done.path}: ${state}; operators reach it at ${done.url}`);
  return 0;
}

async function start({ environment, signal }: Session): Promise<number> {
  const { startHere } = await import("../../admin/here.ts");
  await startHere({ ...environment }, signal);
  return 0;
}
