import { errorAnswer } from "@fettle/shared/api/error.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { VERSION } from "@fettle/shared/lib/version.ts";
import { type CoordinatorAddress, loadConfig, parseConfig } from "./config.ts";
import type { AgentEnv } from "./env.ts";
import { enrol } from "./link/enrol.ts";
import { goodbye } from "./link/goodbye.ts";
import { AgentRefused } from "./local/cli/agent-refused.ts";
import type { Enrolled, EnrolRequest, Io } from "./local/cli/command.ts";
import { runCli } from "./local/cli/run-cli.ts";
import { localSocketPath } from "./local/local-service.ts";
import { forgetDesired } from "./store/desired.ts";
import { identityStore } from "./store/identity.ts";
import type { Host } from "./system/host.ts";
import type { LocalCall } from "./system/local-socket.ts";
import { Uninstall } from "./uninstall/uninstall.ts";

export interface CliParts {
  readonly env: AgentEnv;
  readonly host: Host;
  readonly ownUid: number;
  readonly io: Pick<Io, "out" | "error" | "readStdin" | "confirm" | "holdOn">;
}

/** A plan looks at everything, GitLab's settings too. */
const CALL_MS = 60_000;

/** Puts the commands together with this machine; the composition root of `fettle-agent COMMAND`. */
export function cli(args: readonly string[], parts: CliParts): Promise<number> {
  const { env, host } = parts;
  return runCli(args, {
    ...parts.io,
    call: (call) => callAgent(parts, call),
    enrol: (request) => enrolHere(parts, request),
    uninstall: () => uninstallHere(parts),
    isRoot: parts.ownUid === 0,
    readFile: (path) => host.files.readText(path),
    token: env.token,
    user: env.user,
    clock: host.clock,
  });
}

async function callAgent({ env, host }: CliParts, call: LocalCall): Promise<unknown> {
  const path = localSocketPath(env.runFolder);
  const { status, body } = await host.localSocket.call(path, call, CALL_MS).catch((cause: unknown) => {
    throw new FettleError("agent.not-running", { path, problem: messageOf(cause) }, { cause });
  });
  if (status === 200) return body;
  const answer = errorAnswer.safeParse(body);
  if (answer.success) throw new AgentRefused(answer.data.error);
  throw new FettleError("agent.not-running", { path, problem: `HTTP ${status} from something else` });
}

async function enrolHere({ env, host, ownUid }: CliParts, { token, coordinator }: EnrolRequest): Promise<Enrolled> {
  const { configPath: path, dataFolder } = env;
  if (coordinator !== null && (await host.files.stat(path)) === null) await writeConfig(host, path, coordinator);
  const { coordinators } = await loadConfig(host.files, path, ownUid);
  const { machineId, instanceId, productUuid } = await host.metrics.facts();
  const identity = identityStore(host.files, dataFolder);
  const at = coordinator === null ? coordinators : [oneCoordinator(coordinator)];
  const forget = () => forgetDesired(host.files, dataFolder);
  return enrol({ coordinators: at, identity, token, machineId, instanceId, productUuid, version: VERSION, forget });
}

function uninstallHere(parts: CliParts): Uninstall {
  const { env, host } = parts;
  const socket = localSocketPath(env.runFolder);
  return new Uninstall({ host, places: env, socket, user: env.user, goodbye: () => sayGoodbye(parts) });
}

/** The coordinator may be away, and the identity broken: neither is in the way. */
async function sayGoodbye({ env, host, ownUid }: CliParts): Promise<string> {
  const identity = await identityStore(host.files, env.dataFolder)
    .load()
    .catch(() => null);
  if (identity === null) return "No identity of this machine can be read, so the coordinator was told nothing.";
  try {
    const { coordinators } = await loadConfig(host.files, env.configPath, ownUid);
    await goodbye(coordinators, identity);
    return `The coordinator knows that ${identity.node} is uninstalled.`;
  } catch (error) {
    const why = messageOf(error).replace(/\.$/, "");
    return `The coordinator could not be told (${why}). On its machine, run: fettle node remove ${identity.node}`;
  }
}

/** The port on the command line is that of the operators' listener. */
function oneCoordinator(text: string): CoordinatorAddress {
  const { coordinators } = parseConfig("--coordinator", JSON.stringify({ coordinators: [text] }));
  const { host, port, apiPort } = must(coordinators[0], "the coordinator");
  return { host, apiPort: port ?? apiPort };
}

async function writeConfig(host: Host, path: string, coordinator: string): Promise<void> {
  const address = oneCoordinator(coordinator);
  const text = [
    "# Where the coordinator is, and what this machine allows beyond the built-in limits.",
    "# Only root may read or change this file; nothing that the coordinator sends changes it.",
    `coordinators: [${JSON.stringify(address)}]`,
    "",
  ];
  await host.files.writeAtomic(path, text.join("\n"), { mode: 0o600 });
}
