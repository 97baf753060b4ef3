import { GATEWAY_PORT, PLATFORM_PORT } from "@fettle/shared/roles/gateway.ts";
import type { Container } from "../../clients/engine/container.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { gatewayUse } from "./container.ts";
import { currentContainer } from "./containers.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { keyFailures } from "./key-failures.ts";
import { deadPorts, START_MS } from "./probes.ts";

interface Observed {
  readonly runs: boolean;
  /** The container publishes what is declared; else another one is on its way. */
  readonly published: boolean;
  readonly dead: ReadonlyMap<number, string>;
  /** Ms since the container's start; negative when the clock was set back. */
  readonly upMs: number;
  /** The platform's process ended since it could not read GitLab's keys: that text, else null. */
  readonly keyless: string | null;
  /** Repairs of this outage so far. */
  readonly tried: number;
}

const SETTLE_MS = START_MS + 10_000;
/** One look that failed may be a hiccup. */
const AGAIN_MS = 1_000;
const STOP_S = 15;
const TRIED = "tried";

/** Both processes of the image answer: one can be dead while the container is up. */
export function ready(gateway: Gateway): Resource<Observed> {
  const { address, platform } = gateway.params;
  return define<Observed>({
    id: "gateway.ready",
    declared: { address, platform },
    after: ["gateway.container"],
    lookMs: 30_000,
    settleMs: SETTLE_MS,
    touches: ["engine:"],
    service: gatewayUse(gateway.params),
    observe: (ctx, signal) => engineLook(signal, () => observe(ctx, gateway, signal)),
    diff,
    apply: (ctx, _changes, signal) => apply(ctx, signal),
  });
}

async function observe(ctx: ResourceContext, { params }: Gateway, signal: AbortSignal): Promise<Observed> {
  const { clients, host, kept, pass } = ctx;
  const found = await currentContainer(clients.engine, pass, signal);
  const runs = found?.State.Status === "running";
  const tried = Number(kept.get(TRIED) ?? 0);
  const published = found !== null && publishes(found, params);
  if (found === null || !runs || !published) return { runs, published, dead: new Map(), upMs: 0, keyless: null, tried };
  const dead = await deadTwice(ctx, params, signal);
  if (dead.size === 0) kept.delete(TRIED);
  const upMs = host.clock.now() - Date.parse(found.State.StartedAt);
  const onlyPlatform = dead.size === 1 && dead.has(PLATFORM_PORT);
  const failures = onlyPlatform ? await keyFailures(clients.engine, found.Id, found.State.StartedAt, signal) : null;
  return { runs, published, dead, upMs, keyless: failures?.last?.text ?? null, tried };
}

function publishes({ HostConfig }: Container, { address, platform }: Gateway["params"]): boolean {
  const ports = platform ? [GATEWAY_PORT, PLATFORM_PORT] : [GATEWAY_PORT];
  return ports.every((port) => HostConfig.PortBindings?.[`${port}/tcp`]?.some(({ HostIp }) => HostIp === address));
}

async function deadTwice({ host }: ResourceContext, params: Gateway["params"], signal: AbortSignal) {
  const first = await deadPorts(host.http, params, signal);
  if (first.size === 0) return first;
  await host.clock.sleep(AGAIN_MS, signal);
  return deadPorts(host.http, params, signal);
}

function diff({ runs, published, dead, upMs, keyless, tried }: Observed): Verdict {
  if (!runs) return { kind: "waiting", code: "gateway.ready.container-down", args: {} };
  if (!published) return { kind: "waiting", code: "gateway.ready.container-differs", args: {} };
  if (dead.size === 0) return { kind: "in-sync" };
  // A restart brings nothing while GitLab is away; gateway.gitlab-reachable restarts once when it is back.
  if (keyless !== null) return { kind: "waiting", code: "gateway.ready.platform-keyless", args: { problem: keyless } };
  if (upMs >= 0 && upMs < START_MS)
    return { kind: "unknown", code: "agent.in-transit", args: { what: "the gateway", state: "starting" } };
  const changes = [...dead].map(([port, why]) => ({ what: `port ${port}`, from: why, to: "answers" }));
  return { kind: "drift", changes, disturbs: "service", breaking: true, restartOnly: !recreates(tried) };
}

/** A restart first, then another container, then restarts again with growing pauses. */
function recreates(tried: number): boolean {
  return tried === 1;
}

/** What is removed here gateway.container makes anew at once. */
async function apply({ clients, kept, pass }: ResourceContext, signal: AbortSignal): Promise<void> {
  const found = await currentContainer(clients.engine, pass, signal);
  if (found === null) return;
  const tried = Number(kept.get(TRIED) ?? 0);
  kept.set(TRIED, String(tried + 1));
  if (recreates(tried)) await clients.engine.containers.remove(found.Id);
  else await clients.engine.containers.restart(found.Id, STOP_S);
}
