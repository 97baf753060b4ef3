import type { Service } from "@fettle/shared/lib/service.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import { RELEASE_KEYS, VERSION } from "@fettle/shared/lib/version.ts";
import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import { machineOf } from "@fettle/shared/protocol/machine.ts";
import { OLDEST_PROTOCOL, PROTOCOL } from "@fettle/shared/protocol/version.ts";
import type { OllamaArch } from "@fettle/shared/roles/ollama-archives.ts";
import { roles } from "@fettle/shared/roles/roles.ts";
import type { Logger } from "pino";
import { agentStatus } from "./agent-status.ts";
import { answer } from "./answer.ts";
import { type Clients, makeClients } from "./clients/clients.ts";
import type { MirrorClient } from "./clients/mirror.ts";
import { type AgentConfig, loadConfig } from "./config.ts";
import { Contact } from "./contact.ts";
import type { AgentEnv } from "./env.ts";
import { Frozen } from "./frozen.ts";
import { Health } from "./health/health.ts";
import { Credentials } from "./link/credentials.ts";
import { Link } from "./link/link.ts";
import type { Introduction } from "./link/parts.ts";
import { Renewal } from "./link/renewal.ts";
import { localService, localSocketPath } from "./local/local-service.ts";
import { localAgent } from "./local-agent.ts";
import { createLogger } from "./logger.ts";
import { coordinatorMirror } from "./mirror-client.ts";
import { resourcesOf } from "./playbooks/playbooks.ts";
import { watchesOf } from "./playbooks/watches.ts";
import { allowedProbes } from "./policy/allowed-probes.ts";
import { ollamaArchive } from "./policy/archives.ts";
import { policyFacts } from "./policy-facts.ts";
import { type Core, makeCore } from "./reconcile/core.ts";
import type { RoleParams } from "./reconcile/desired-state.ts";
import { closeInterrupted } from "./reconcile/interrupted.ts";
import { Keeper } from "./reconcile/keeper.ts";
import { MachineFactsService } from "./reconcile/machine-facts.ts";
import { report } from "./report.ts";
import { Secrets } from "./secrets.ts";
import { type DesiredStore, openDesired } from "./store/desired.ts";
import { type Identity, type IdentityStore, identityStore } from "./store/identity.ts";
import { openStore, type Store } from "./store/store.ts";
import { Upkeep } from "./store/upkeep.ts";
import type { Host } from "./system/host.ts";
import { TrustedRoots } from "./trusted-roots.ts";
import { updateLayout } from "./update/layout.ts";
import { Updater } from "./update/updater.ts";
import { coordinatorArchives, heldBack } from "./update-parts.ts";
import { engineEvents } from "./watch/engine-events.ts";
import { Watcher } from "./watch/watcher.ts";

/** The loop rests for less; one that does not go round is not well. */
const LOOP_STALLED_MS = 60_000;

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

/** What the services are made of: read once, before anything runs. */
interface Ground {
  readonly env: AgentEnv;
  readonly host: Host;
  readonly config: AgentConfig;
  readonly logger: Logger;
  readonly secrets: Secrets;
  readonly store: Store;
  readonly desired: DesiredStore;
  readonly machine: MachineFactsService;
  readonly link: { now: Link | null };
  readonly identities: IdentityStore;
  /** As last read; null before the enrolment. */
  readonly identity: { now: Identity | null };
  /** Why nothing is changed here, if so: decided before anything connects. */
  readonly frozen: Frozen;
  /** Called when that has changed. */
  readonly woken: { now: () => void };
  /** Somebody waits for a person's word to be let in again. */
  readonly renewal: { now: Renewal | null };
  /** Who takes what the coordinator wants of the agent itself. */
  readonly wanted: Array<(wanted: AgentWanted) => void>;
}

/** Throws FettleError `agent.config-…` and what the stores throw; nothing runs yet when it resolves. */
export async function createContext({ env, host, open = openStore }: ContextOptions): Promise<Context> {
  const secrets = new Secrets();
  const logger = createLogger(env.logLevel, secrets);
  const config = await loadConfig(host.files, env.configPath, process.getuid?.() ?? 0);
  await host.files.makeFolder(env.dataFolder, { mode: 0o700 });
  const store = open(host.files.native(`${env.dataFolder}/journal.db`));
  closeRuns(store, host, logger);
  const desired = await openDesired(host.files, env.dataFolder);
  const link: Ground["link"] = { now: null };
  const machine = await MachineFactsService.of(host, () => link.now?.reportChanged());
  const identities = identityStore(host.files, env.dataFolder);
  const identity = { now: await identities.load() };
  const woken: { now: () => void } = { now: () => undefined };
  const frozen = new Frozen({
    kept: store.kept,
    before: desired.current()?.agent?.frozen ?? null,
    identity: () => identity.now,
    machine: () => machineOf(machine.machine),
    onChange: () => woken.now(),
  });
  const basis = { env, host, config, logger, secrets, store, desired, machine, link, identities, identity };
  const ground: Ground = { ...basis, frozen, woken, renewal: { now: null }, wanted: [] };
  return { logger, services: await compose(ground), close: () => store.close() };
}

/** On a full disk they stay open until the next start: the agent still has to say what is wrong. */
function closeRuns(store: Store, host: Host, logger: Logger): void {
  try {
    const interrupted = closeInterrupted(store, host.clock.now());
    if (interrupted > 0) logger.warn({ interrupted }, "runs of an earlier life closed");
  } catch (err) {
    logger.error({ err }, "runs of an earlier life could not be closed");
  }
}

async function compose(ground: Ground): Promise<Service[]> {
  const { host, link, store, config, env } = ground;
  const clients = makeClients(host, makeMirror(ground));
  const health = makeHealth(ground, clients, () => core.loop.standing.roles);
  const contact = new Contact(host.clock, store.kept, () => link.now);
  const core = coreOf(ground, clients, health, contact);
  const watcher = new Watcher({ host, wake: ({ cause }) => core.loop.wake(cause) });
  const keeper = makeKeeper(ground, core, watcher, health);
  await keeper.load();
  const updater = await makeUpdater(ground, core);
  const roots = makeTrustedRoots(ground);
  ground.wanted.push((wanted) => void roots.take(wanted));
  const current = () => {
    const agent = agentStatus({
      identity: ground.identity.now,
      update: updater.status(),
      observing: ground.frozen.observing(),
    });
    return report({ keeper, loop: core.loop, machine: ground.machine, health, store, agent, now: host.clock.now() });
  };
  const made = makeLink(ground, core, keeper, health, current);
  link.now = made;
  const renewal = makeRenewal(ground, core, keeper, made);
  ground.renewal.now = renewal;
  takeIdentityWishes(ground, core, renewal);
  const agent = localAgent({
    store,
    loop: core.loop,
    now: () => host.clock.now(),
    identity: () => ground.identity.now,
    link: () => made.status(),
    report: current,
    onChange: () => {
      made.reportChanged();
      made.recordsChanged();
    },
    plan: () => core.plan(core.loop.standing.resources, core.loop.standing.refusals),
    update: (path) => updater.takeFile(path),
    policy: config.policy,
    policyPath: env.configPath,
  });
  const local = localService(host.localSocket, localSocketPath(env.runFolder), agent, host.clock);
  ground.machine.onChange(() => void keeper.refresh());
  const upkeep = new Upkeep({ store, clock: host.clock, logger: ground.logger });
  return [core.loop, watcher, health, made, ground.machine, contact, local, upkeep, updater, renewal];
}

/** What is in it the coordinator says with each desired state; the last word counts, also after a restart. */
function makeMirror({ config, desired, identities, wanted }: Ground): MirrorClient {
  let items = desired.current()?.agent?.mirror ?? [];
  wanted.push(({ mirror }) => {
    items = mirror;
  });
  return coordinatorMirror({
    coordinators: config.coordinators,
    identity: () => identities.load(),
    items: () => items,
    allowed: config.policy.mirror,
  });
}

function coreOf(ground: Ground, clients: Clients, health: Health, contact: Contact): Core {
  const { host, store, logger, secrets, link, frozen } = ground;
  return makeCore({
    host,
    clients,
    store,
    logger,
    cut: (text) => secrets.cut(text),
    gpuShare: () => health.gpuShare(),
    awayMs: () => contact.awayMs(),
    frozen: () => frozen.now(),
    onChange: () => link.now?.reportChanged(),
    onOwed: () => link.now?.recordsChanged(),
  });
}

function makeHealth(
  { host, config, link, identity, frozen, renewal }: Ground,
  clients: Clients,
  held: () => RoleParams,
): Health {
  return new Health({
    host,
    nvidiaSmi: clients.nvidiaSmi,
    probes: () => allowedProbes(held(), config.policy),
    caFile: () => caFileOf(held()),
    certificateExpiresAt: () => identity.now?.expiresAt ?? null,
    identityFindings: () => [
      ...[frozen.now() ?? []].flat(),
      ...(renewal.now?.pending ? [{ code: "identity.certificate-ended", args: {} } as const] : []),
    ],
    clockOffsetMs: () => link.now?.status().clockOffsetMs ?? null,
    onChange: () => link.now?.reportChanged(),
  });
}

function makeKeeper(
  { host, config, logger, secrets, store, desired, identity }: Ground,
  core: Core,
  watcher: Watcher,
  health: Health,
): Keeper {
  const options = {
    gitlabPollMs: config.gitlabPollSeconds * 1_000,
    remember: (secret: string) => secrets.add(secret),
    ollamaArchive: (version: string, arch: OllamaArch) => ollamaArchive(version, arch, config.policy),
    firstBootReboot: config.policy.ollama.firstBootReboot,
  };
  const events = engineEvents(host);
  return new Keeper({
    log: logger,
    desired,
    kept: store.kept,
    policy: config.policy,
    enrolledRoles: () => identity.now?.roles ?? null,
    policyFacts: (params, pins) => policyFacts(host, params, pins),
    resourcesOf: (params) => resourcesOf(params, options),
    onStanding: (standing) => {
      const { engine, ...watched } = watchesOf(standing.roles);
      watcher.set({ ...watched, sources: engine ? [events] : [] });
      core.loop.set(standing);
      health.probeNow();
    },
    plan: core.plan,
  });
}

async function makeUpdater(ground: Ground, core: Core): Promise<Updater> {
  const { host, env, config, logger, store, link, desired, machine } = ground;
  const identity = () => ground.identities.load();
  const held = () => ({
    frozen: null,
    observing: ground.frozen.observing(),
    pauses: store.pauses.all(host.clock.now()),
  });
  const updater = new Updater({
    host,
    layout: updateLayout(env.dataFolder),
    running: VERSION,
    arch: machine.facts().arch ?? "x64",
    wire: { oldest: OLDEST_PROTOCOL, newest: PROTOCOL },
    keys: [...RELEASE_KEYS, ...config.policy.releaseKeys],
    source: coordinatorArchives(config.coordinators, identity),
    heldBack: () => heldBack({ loop: core.loop, now: host.clock.now(), ...held() }),
    isWell: () => link.now?.status().state === "connected" && host.clock.mono() - core.loop.tickedAt < LOOP_STALLED_MS,
    onChange: () => link.now?.reportChanged(),
    audit: (what) => {
      try {
        store.audit.add({ id: uuidv7(host.clock.now()), at: host.clock.now(), who: "fettle-agent", what });
        link.now?.recordsChanged();
      } catch (err) {
        logger.error({ err, what }, "not kept in the audit");
      }
    },
    log: logger.child({ room: "update" }),
  });
  await updater.load();
  const take = (wanted: AgentWanted): void => updater.want(wanted);
  ground.wanted.push(take);
  const stored = desired.current()?.agent;
  if (stored !== undefined) take(stored);
  return updater;
}

function makeLink(
  ground: Ground,
  core: Core,
  keeper: Keeper,
  health: Health,
  current: () => ReturnType<typeof report>,
): Link {
  const { host, config, logger, store, desired, identities, identity } = ground;
  const credentials = new Credentials(identities, (shown) => {
    identity.now = shown;
  });
  return new Link({
    coordinators: config.coordinators,
    identity: () => credentials.next(),
    onLetIn: () => credentials.welcomed(),
    onBye: (code, reason) => {
      if (code === "identity.duplicate" || code === "identity.replaced") ground.frozen.turnedAway(reason);
    },
    desired,
    store,
    introduce: () => introduction(ground, core),
    currentReport: current,
    metrics: () => health.metrics(),
    onDesired: async (state) => {
      // Before anything of it is in force; the other way round it is last.
      if (state.agent?.frozen) ground.frozen.take(state.agent);
      await keeper.accept(state);
      if (state.agent !== undefined) for (const take of ground.wanted) take(state.agent);
      // A rejection changes nothing else.
      ground.link.now?.reportChanged();
    },
    onAsk: (ask) => answer(ask, { host, keeper, probes: () => allowedProbes(core.loop.standing.roles, config.policy) }),
    clock: host.clock,
    log: logger.child({ room: "link" }),
  });
}

function introduction({ machine }: Ground, core: Core): Introduction {
  const { machineId, bootId, instanceId, productUuid } = machine.machine;
  const capabilities = roles.flatMap((role) => role.capabilities);
  const held = Object.keys(core.loop.standing.roles);
  const ids = { machineId, bootId, instanceId, productUuid };
  return { version: VERSION, protocol: PROTOCOL, capabilities, roles: held, ...ids };
}

function makeRenewal(ground: Ground, core: Core, keeper: Keeper, link: Link) {
  const { host, config, logger, machine, identities, identity } = ground;
  return new Renewal({
    coordinators: config.coordinators,
    store: identities,
    machine: () => machineOf(machine.machine),
    shown: () => identity.now,
    status: () => link.status(),
    reconnect: () => link.reconnect(),
    isQuiet: () => core.loop.applying === null,
    onForeignChange: (found) => {
      identity.now = found;
      link.reconnect();
      // Its roles may be others now.
      void keeper.refresh();
    },
    clock: host.clock,
    log: logger.child({ room: "renewal" }),
  });
}

/** A stored wish for a new certificate counts once it is said again: what is stored may be long done. */
function takeIdentityWishes({ wanted, frozen, woken, link }: Ground, core: Core, renewal: Renewal): void {
  wanted.push((wish) => {
    frozen.take(wish);
    renewal.want(wish.renew);
  });
  woken.now = () => {
    core.loop.wake("desired");
    link.now?.reportChanged();
  };
}

/** A CA file that GitLab's certificate is verified with beside the system's, as the roles here name it. */
function caFileOf(held: RoleParams): string | null {
  for (const params of Object.values(held)) {
    const { ca, caBundle } = params as { ca?: string; caBundle?: string };
    const found = ca ?? caBundle;
    if (found !== undefined) return found;
  }
  return null;
}

function makeTrustedRoots({ identities, identity, link, logger }: Ground): TrustedRoots {
  return new TrustedRoots({
    store: identities,
    identity,
    onChange: () => link.now?.reportChanged(),
    log: logger.child({ room: "roots" }),
  });
}
