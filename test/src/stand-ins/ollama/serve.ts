import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Control, serveControl } from "../control.ts";
import { cloudStatus } from "./api/general.ts";
import { type Environment, serverConfig, type Variables } from "./config/environment.ts";
import { joinHostPort } from "./config/host-address.ts";
import type { Settings } from "./config/settings.ts";
import { createOllama, type Ollama } from "./context.ts";
import { ensureKeyPair } from "./key-pair.ts";
import type { Log } from "./log.ts";
import { prune } from "./models/prune.ts";
import { expiryOf } from "./run/runner.ts";
import { addressOf, answerRequests, listen } from "./server.ts";

export interface Running {
  ollama: Ollama;
  address: string;
  port: number;
  close(): void;
}

/** `ollama serve`: in the order of the real one, so that each failure comes at its point and with its message. */
export async function serve(settings: Settings, variables: Variables, log: Log): Promise<Running> {
  const ollama = createOllama(settings, variables, log);
  const { environment, faults } = ollama;
  for (const { msg, fields } of environment.warnings) log.warn("config.go:51", msg, fields);
  try {
    if (faults.now.startFails !== undefined) throw new Error(faults.now.startFails);
    ensureKeyPair(homeOf(environment), log);
    const server = await listen(ollama);
    begin(ollama, server);
    // Only now: a second copy that could not have the address must not take the first one's socket away.
    const { control } = settings;
    const told = control === undefined ? undefined : await serveControl(control, () => stateOf(ollama), faults);
    await sleep(faults.now.startMs ?? 0);
    answerRequests(server, ollama);
    return running(ollama, server, told);
  } catch (error) {
    ollama.scheduler.end();
    throw error;
  }
}

function begin(ollama: Ollama, server: Server): void {
  const { environment, log, store, variables, settings, hardware } = ollama;
  log.info("routes.go:1951", "server config", { env: serverConfig(environment, variables) });
  log.info("routes.go:1953", `Ollama cloud disabled: ${cloudStatus(ollama).disabled}`);
  try {
    store.blobs.folder();
    if (!environment.noPrune) prune(store, log);
  } catch (error) {
    server.close();
    throw error;
  }
  const { address, port } = addressOf(server);
  log.info("routes.go:2008", `Listening on ${joinHostPort(address, port)} (version ${settings.version})`);
  hardware.report(log);
}

function homeOf(environment: Environment): string {
  if (environment.home === undefined) throw new Error("$HOME is not defined");
  return environment.home;
}

function running(ollama: Ollama, server: Server, told: Control | undefined): Running {
  const { address, port } = addressOf(server);
  return {
    ollama,
    address,
    port,
    close: () => {
      told?.close();
      server.close();
      server.closeAllConnections();
      ollama.scheduler.end();
    },
  };
}

/** What the control socket shows; no prompt is ever kept, so none can be in it. */
function stateOf(ollama: Ollama): unknown {
  const { settings, environment, scheduler, downloads, seen } = ollama;
  return {
    pid: process.pid,
    version: settings.version,
    host: environment.host,
    models: environment.models,
    loaded: scheduler.runners().map((runner) => ({
      name: runner.shownAs,
      context: runner.context,
      users: runner.users,
      expiresAt: expiryOf(runner),
      pid: runner.process.pid,
    })),
    pulls: downloads.running(),
    requests: seen,
  };
}
