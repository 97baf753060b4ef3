import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { GATEWAY_CONTAINER, GATEWAY_PORT, type GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { Container } from "../../clients/engine/container.ts";
import { engineClient } from "../../clients/engine/engine.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext, ServiceUse, Verdict } from "../resource.ts";
import { currentContainer, type Found, findContainers, isOurs, nameOf, portHolder, startedBy } from "./containers.ts";
import { differences, POLICY } from "./differences.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { lastWords } from "./last-words.ts";
import { NEXT } from "./names.ts";
import { orderOf, RESTART_POLICY, type Spec } from "./spec.ts";
import { startError } from "./start-error.ts";
import { finishSwap, openSwap, type SwapRecord, swap, undoneFor } from "./swap.ts";
import { type Wanted, wantedSpec } from "./wanted-spec.ts";

interface Observed {
  readonly wanted: Wanted;
  readonly found: Found;
  readonly current: Container | null;
  /** Who else holds the gateway's port while nothing of ours runs. */
  readonly held: { readonly at: string; readonly holder: string } | null;
  readonly swap: SwapRecord | null;
  /** Why this very container was taken back before. */
  readonly undone: string | null;
  readonly lastWords: string;
}

const SETTLE_MS = 120_000;
const CRASHES = 3;
const STATE = "state";
const LEFT_OVER = "left-over of a swap";

/** The gateway's container runs exactly as declared; another one is swapped in so that the old one can come back. */
export function container(gateway: Gateway): Resource<Observed> {
  const { drainMs: _drain, probes: _probes, ...declared } = gateway.params;
  return define<Observed>({
    id: "gateway.container",
    declared,
    after: ["gateway.docker", "gateway.keys", "gateway.image"],
    settleMs: SETTLE_MS,
    touches: ["engine:"],
    service: gatewayUse(gateway.params),
    observe: (ctx, signal) => engineLook(signal, () => observe(ctx, gateway, signal)),
    diff,
    apply: (ctx, _changes, signal, reporter) => apply(ctx, gateway, signal, reporter),
  });
}

/** Where the gateway's users are seen: in the container's own network. */
export function gatewayUse({ drainMs }: GatewayParams): ServiceUse {
  return {
    port: GATEWAY_PORT,
    drainMs,
    ownNetwork: true,
    mainPid: async (host) => {
      const found = await engineClient(host).containers.inspect(GATEWAY_CONTAINER);
      return found?.State.Pid || null;
    },
  };
}

async function observe(ctx: ResourceContext, gateway: Gateway, signal: AbortSignal): Promise<Observed> {
  const { clients, host, kept, pass, approved } = ctx;
  const { engine } = clients;
  const found = await findContainers(engine, pass, signal);
  const current = await currentContainer(engine, pass, signal);
  const wanted = await wantedSpec(ctx, gateway, signal);
  const own = [found.current, found.next, found.previous].filter((one) => one !== null);
  const isDown = own.every(({ State }) => State === "created" || State === "exited" || State === "dead");
  const spec = wanted.kind === "spec" ? wanted.spec : null;
  return {
    wanted,
    found,
    current,
    held: isDown && spec !== null ? await portHolder(host, found, spec.address, spec.ports) : null,
    swap: openSwap(kept),
    undone: spec === null || approved ? null : undoneFor(kept, spec),
    lastWords: current !== null && isCrashing(current) ? await lastWords(engine, current.Id, signal) : "",
  };
}

function isCrashing({ RestartCount, State }: Container): boolean {
  return State.Status === "restarting" && RestartCount >= CRASHES;
}

function diff(observed: Observed): Verdict {
  const { wanted, found, current } = observed;
  const stranger = [found.current, found.next, found.previous].find((one) => one !== null && !isOurs(one));
  if (stranger)
    return {
      kind: "blocked",
      code: "gateway.container.foreign",
      args: { name: nameOf(stranger), image: stranger.Image, by: startedBy(stranger), state: stranger.State },
    };
  if (wanted.kind !== "spec") return wanted;
  if (observed.swap !== null) return unfinished(observed.swap);
  if (observed.held !== null)
    return {
      kind: "blocked",
      code: "gateway.container.port-held",
      args: { address: observed.held.at, holder: observed.held.holder },
    };
  if (current === null) return absent();
  const changes = differences(wanted.spec, current, wanted.image);
  if (changes.length > 0) return different(observed, current, changes);
  return asItRuns(observed, current);
}

function unfinished({ undoing }: SwapRecord): Verdict {
  const to = undoing === null ? "finished" : "undone";
  return {
    kind: "drift",
    changes: [{ what: "unfinished swap", from: "interrupted", to }],
    disturbs: "none",
    breaking: true,
  };
}

function absent(): Verdict {
  const changes = [{ what: GATEWAY_CONTAINER, from: null, to: "running" }];
  return { kind: "drift", changes, disturbs: "none", breaking: true, creates: `the container ${GATEWAY_CONTAINER}` };
}

/** Differences that cut users off, or let in whom they should keep out. */
const BREAKING: ReadonlySet<string> = new Set([
  ...["env AIGW_GITLAB_URL", "env AIGW_AUTH__BYPASS_EXTERNAL", "env DUO_WORKFLOW_AUTH__ENABLED"],
  ...["ports", "mounts", "privileged", "capabilities", "devices", "network", "process namespace"],
]);

function different({ undone, wanted }: Observed, current: Container, changes: readonly Change[]): Verdict {
  if (changes.every(({ what }) => what === POLICY))
    return { kind: "drift", changes, disturbs: "none", breaking: false };
  if (undone !== null) {
    const image = wanted.kind === "spec" ? wanted.spec.imageName : "";
    return { kind: "blocked", code: "gateway.container.swap-undone", args: { problem: undone, image }, changes };
  }
  const runs = current.State.Status === "running";
  const breaking = !runs || changes.some(({ what }) => BREAKING.has(what));
  return { kind: "drift", changes, disturbs: runs ? "service" : "none", breaking };
}

function asItRuns({ found, lastWords: problem }: Observed, current: Container): Verdict {
  const { Status, Error: error, ExitCode } = current.State;
  if (Status === "running") return found.next === null ? { kind: "in-sync" } : leftOver();
  if (isCrashing(current))
    return { kind: "blocked", code: "gateway.container.crashing", args: { exit: ExitCode, problem: problem || error } };
  if (Status === "restarting" || Status === "removing")
    return { kind: "unknown", code: "agent.in-transit", args: { what: GATEWAY_CONTAINER, state: Status } };
  const changes = [{ what: STATE, from: Status, to: "running" }];
  return { kind: "drift", changes, disturbs: "none", breaking: true, restartOnly: Status !== "dead" };
}

function leftOver(): Verdict {
  return { kind: "drift", changes: [{ what: LEFT_OVER, from: NEXT, to: null }], disturbs: "none", breaking: false };
}

async function apply(ctx: ResourceContext, gateway: Gateway, signal: AbortSignal, reporter: Reporter): Promise<void> {
  const { containers } = ctx.clients.engine;
  const { wanted, found, current, swap: open } = await observe(ctx, gateway, signal);
  if (wanted.kind !== "spec") return;
  const { spec, image } = wanted;
  if (open !== null) return finishSwap(ctx, gateway, spec, open, signal, reporter);
  if (found.next !== null) await containers.remove(found.next.Id);
  if (current === null) return create(ctx, spec);
  const changes = differences(spec, current, image);
  if (changes.length === 0) return bringUp(ctx, spec, current);
  if (changes.every(({ what }) => what === POLICY)) return containers.setRestartPolicy(current.Id, RESTART_POLICY);
  await swap(ctx, gateway, spec, current, signal, reporter);
}

async function create({ clients }: ResourceContext, spec: Spec): Promise<void> {
  const { containers } = clients.engine;
  try {
    await containers.start(await containers.create(GATEWAY_CONTAINER, orderOf(spec)));
  } catch (error) {
    throw startError(error, spec);
  }
}

async function bringUp(ctx: ResourceContext, spec: Spec, current: Container): Promise<void> {
  const { containers } = ctx.clients.engine;
  const { Status } = current.State;
  if (Status === "running") return;
  if (Status === "paused") return containers.unpause(current.Id);
  if (Status === "dead") {
    await containers.remove(current.Id);
    return create(ctx, spec);
  }
  await containers.start(current.Id).catch((error: unknown) => {
    throw startError(error, spec);
  });
}
