import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { VERSION } from "@fettle/shared/lib/version.ts";
import type { Ask } from "@fettle/shared/protocol/ask.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import { PROTOCOL } from "@fettle/shared/protocol/version.ts";
import { roles } from "@fettle/shared/roles/roles.ts";
import type { Logger } from "pino";
import { makeClients } from "./clients/clients.ts";
import { type AgentConfig, loadConfig } from "./config.ts";
import type { AgentEnv } from "./env.ts";
import { Link } from "./link/link.ts";
import type { Introduction } from "./link/parts.ts";
import { createLogger } from "./logger.ts";
import { resourcesOf } from "./playbooks/playbooks.ts";
import { watchesOf } from "./playbooks/watches.ts";
import type { PolicyFacts } from "./policy/facts.ts";
import { gitlabHost, lookAtPaths } from "./policy/look.ts";
import type { Pins } from "./policy/pins.ts";
import { type Core, makeCore } from "./reconcile/core.ts";
import type { RoleParams } from "./reconcile/desired-state.ts";
import { closeInterrupted } from "./reconcile/interrupted.ts";
import { Keeper } from "./reconcile/keeper.ts";
import { MachineFactsService } from "./reconcile/machine-facts.ts";
import { Secrets } from "./secrets.ts";
import { type DesiredStore, openDesired } from "./store/desired.ts";
import { identityStore } from "./store/identity.ts";
import { openStore, type Store } from "./store/store.ts";
import type { Host } from "./system/host.ts";
import { Watcher } from "./watch/watcher.ts";

export interface ContextOptions {
  readonly env: AgentEnv;
  readonly host: Host;
  /** Another way to open the journal, for tests that end the process in the middle. */
  readonly open?: (path: string) => Store;
}

/** A running agent, composed in this file alone. */
export interface Context {
  readonly logger: Logger;
  readonly services: readonly Service[];
  close(): void;
}

/** The parts that the rest is made of. */
interface Ground {
  readonly options: ContextOptions;
  readonly config: AgentConfig;
  readonly logger: Logger;
  readonly secrets: Secrets;
  readonly store: Store;
  readonly desired: DesiredStore;
  readonly machine: MachineFactsService;
}

/** Throws FettleError `agent.config-…` and what the stores throw; nothing runs yet when it resolves. */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { env, host } = options;
  const secrets = new Secrets();
  const logger = createLogger(env.logLevel, secrets);
  const config = await loadConfig(host.files, env.configPath, process.getuid?.() ?? 0);
  await host.files.makeFolder(env.dataFolder, { mode: 0o700 });
  const store = (options.open ?? openStore)(host.files.native(`${env.dataFolder}/journal.db`));
  const interrupted = closeInterrupted(store, host.clock.now());
  if (interrupted > 0) logger.warn({ interrupted }, "runs of an earlier life closed");
  const desired = await openDesired(host.files, env.dataFolder);
  const wiring = new Wiring();
  const machine = await MachineFactsService.of(host, () => wiring.reportChanged());
  const services = compose({ options, config, logger, secrets, store, desired, machine }, wiring);
  return { logger, services: await services, close: () => store.close() };
}

/** Ties the circle of loop, keeper and link: whoever is made first calls through here. */
class Wiring {
  link: Link | null = null;

  reportChanged(): void {
    this.link?.reportChanged();
  }

  recordsChanged(): void {
    this.link?.recordsChanged();
  }

  awayMs(): number {
    return this.link?.awayMs() ?? 0;
  }
}

async function compose(ground: Ground, wiring: Wiring): Promise<Service[]> {
  const { options, logger, secrets, store, machine } = ground;
  const { host } = options;
  const core = makeCore({
    host,
    clients: makeClients(host),
    store,
    logger,
    cut: (text) => secrets.cut(text),
    gpuShare: async () => null,
    awayMs: () => wiring.awayMs(),
    onChange: () => wiring.reportChanged(),
    onOwed: () => wiring.recordsChanged(),
  });
  const watcher = new Watcher({ host, wake: ({ cause }) => core.loop.wake(cause) });
  const keeper = makeKeeper(ground, core, watcher);
  await keeper.load();
  const link = makeLink(ground, core, keeper);
  wiring.link = link;
  return [core.loop, watcher, link, machine];
}

function makeKeeper({ options, config, logger, store, desired }: Ground, core: Core, watcher: Watcher): Keeper {
  return new Keeper({
    log: logger,
    desired,
    kept: store.kept,
    policy: config.policy,
    policyFacts: (params, pins) => policyFacts(options.host, params, pins),
    resourcesOf,
    onStanding: (standing, params) => {
      watcher.set(watchesOf(params));
      core.loop.set(standing);
    },
    plan: core.plan,
  });
}

async function policyFacts(host: Host, params: RoleParams, pins: Pins): Promise<PolicyFacts> {
  const paths = await Promise.all(Object.values(params).map((one) => lookAtPaths(host.files, one)));
  return {
    addresses: await host.net.addresses(),
    gitlabHost: await gitlabHost(host.files),
    paths: Object.assign({}, ...paths) as PolicyFacts["paths"],
    pins,
  };
}

function makeLink(ground: Ground, core: Core, keeper: Keeper): Link {
  const { options, config, logger, store, desired } = ground;
  const { host, env } = options;
  return new Link({
    coordinators: config.coordinators,
    identity: () => identityStore(host.files, env.dataFolder).load(),
    desired,
    store,
    introduce: () => introduction(ground, core),
    currentReport: () => reportOf(ground, core, keeper),
    metrics: () => ({}),
    onDesired: async (state) => {
      await keeper.accept(state);
      core.loop.wake("desired");
    },
    onAsk: (ask) => answer(ask, keeper),
    clock: host.clock,
    log: logger.child({ room: "link" }),
  });
}

function introduction({ machine }: Ground, core: Core): Introduction {
  const { machineId, bootId, instanceId } = machine.machine;
  const held = [...new Set(core.loop.standing.resources.map(({ id }) => id.slice(0, id.indexOf("."))))];
  const capabilities = roles.flatMap((role) => role.capabilities);
  return { version: VERSION, protocol: PROTOCOL, capabilities, roles: held, machineId, bootId, instanceId };
}

function reportOf({ options, store, machine }: Ground, core: Core, keeper: Keeper): Report {
  return {
    desired: keeper.status(),
    facts: { ...machine.facts(), ...core.loop.facts() },
    resources: core.loop.resources(),
    health: null,
    ports: [],
    pauses: store.pauses.all(options.host.clock.now()),
  };
}

async function answer(ask: Ask, keeper: Keeper): Promise<unknown> {
  if (ask.kind === "plan") return keeper.preview(ask.params.roles);
  throw new FettleError("agent.too-old", { problem: `it cannot answer ${ask.kind}` });
}
