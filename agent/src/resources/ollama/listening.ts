import { hostPort, isLoopback, isUnspecified } from "@fettle/shared/lib/address.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { Host } from "../../system/host.ts";
import type { Listener } from "../../system/net.ts";
import type { UnitState } from "../../system/units.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { ollamaUse } from "./service.ts";
import { listenAddress, OLLAMA_UNIT } from "./unit-file.ts";

interface Observed {
  readonly unit: UnitState;
  /** What answered at the declared address: a version, null when it is not Ollama, undefined when nothing answered. */
  readonly version: string | null | undefined;
  /** Who listens on the port, with a name for people. */
  readonly listeners: ReadonlyArray<Listener & { readonly holder: string; readonly ours: boolean }>;
  readonly addresses: readonly string[];
  /** Age of the process; null when none runs. */
  readonly ageMs: number | null;
}

/** A process that is younger may still be on its way to listen. */
const START_MS = 30_000;
/** For a young one an answer is waited for this long within one look. */
const PATIENCE_MS = 5_000;
const AGAIN_MS = 50;

/** Ollama answers `/api/version` on the declared address, and nothing else does, and it does so nowhere else. */
export function listening(params: OllamaParams): Resource<Observed> {
  const { listen } = params;
  return define<Observed>({
    id: "ollama.listening",
    declared: listen,
    after: ["ollama.service"],
    settleMs: 30_000,
    touches: ["unit:ollama", "ollama:"],
    service: ollamaUse(params),
    observe: (ctx, signal) => observe(ctx, listen, signal),
    diff: (observed) => diff(observed, listen),
    apply: ({ host }) => host.units.restart(OLLAMA_UNIT),
    facts: ({ version }): Readonly<Record<string, string>> => (version ? { ollamaVersion: version } : {}),
  });
}

async function observe(ctx: ResourceContext, listen: OllamaParams["listen"], signal: AbortSignal): Promise<Observed> {
  const { host, pass } = ctx;
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const version = await answer(ctx, listenAddress(listen), unit.mainPid, signal);
  const ageMs = unit.mainPid > 0 ? await host.proc.ageMs(unit.mainPid) : null;
  const settled = version && unit.active === "active" && ageMs !== null && ageMs >= START_MS;
  const listeners = settled ? await usualListeners(host, listen, unit) : null;
  return {
    unit,
    version,
    listeners: listeners ?? (await heldListeners(host, listen.port, unit)),
    addresses: await host.net.addresses(),
    ageMs,
  };
}

/**
 * What a server that answers has when all is well: one socket, at the declared address; null when there is more. To
 * look up who holds a socket goes over all processes, which is too much for every look.
 */
async function usualListeners(
  host: Host,
  listen: OllamaParams["listen"],
  unit: UnitState,
): Promise<Observed["listeners"] | null> {
  const onPort = (await host.net.listeners()).filter(({ port }) => port === listen.port);
  const [only, ...more] = onPort;
  if (only?.address !== listen.host || more.length > 0) return null;
  return [{ ...only, pid: unit.mainPid, ours: true, holder: OLLAMA_UNIT }];
}

async function heldListeners(host: Host, port: number, unit: UnitState): Promise<Observed["listeners"]> {
  const onPort = await host.net.listeners(port);
  const tree = unit.mainPid > 0 ? await host.proc.tree(unit.mainPid) : [];
  return Promise.all(
    onPort.map(async (one) => ({
      ...one,
      ours: one.pid !== null && tree.includes(one.pid),
      holder:
        one.pid === null ? "another program" : `${(await host.proc.command(one.pid)) ?? "a program"} (pid ${one.pid})`,
    })),
  );
}

/** What answers; undefined when nothing does, and a process that was just started had its time. */
async function answer(
  { host, clients }: ResourceContext,
  address: string,
  pid: number,
  signal: AbortSignal,
): Promise<string | null | undefined> {
  const { clock, proc } = host;
  for (const end = clock.mono() + PATIENCE_MS; ; ) {
    const version = await clients.ollama.version(address, signal).catch(() => undefined);
    if (version !== undefined || pid === 0 || clock.mono() >= end) return version;
    const ageMs = await proc.ageMs(pid);
    if (ageMs === null || ageMs >= START_MS) return version;
    await clock.sleep(AGAIN_MS, signal);
  }
}

function diff({ unit, version, listeners, addresses, ageMs }: Observed, listen: OllamaParams["listen"]): Verdict {
  const address = listenAddress(listen);
  const here = listeners.filter((one) => one.address === listen.host || isUnspecified(one.address));
  const stranger = here.find((one) => !one.ours && one.pid !== null);
  if (!addresses.includes(listen.host) && !isLoopback(listen.host))
    return {
      kind: "blocked",
      code: "ollama.listening.address-absent",
      args: { address, addresses: addresses.join(", ") },
    };
  if (stranger && !here.some((one) => one.ours)) {
    const code = version ? "ollama.listening.foreign" : "ollama.listening.port-held";
    return { kind: "blocked", code, args: { address, holder: stranger.holder } };
  }
  if (version) return { kind: "in-sync", findings: exposed(listeners, listen) };
  if (unit.active !== "active" || unit.mainPid === 0)
    return { kind: "waiting", code: "ollama.listening.service-down", args: {} };
  // Without an age the process is gone, and systemd has yet to notice.
  if (version === undefined && (ageMs === null || ageMs < START_MS))
    return { kind: "unknown", code: "agent.in-transit", args: { what: OLLAMA_UNIT, state: "starting" } };
  const changes = [{ what: address, from: version === null ? "not Ollama" : "no answer", to: "answers" }];
  return { kind: "drift", changes, disturbs: "service", breaking: true, restartOnly: true };
}

/** Ollama's own sockets on this port at any other address. */
function exposed(listeners: Observed["listeners"], listen: OllamaParams["listen"]): ResourceFinding[] {
  return listeners
    .filter((one) => one.ours && one.address !== listen.host)
    .map((one) => ({ code: "ollama.listening.exposed", args: { address: hostPort(one.address, one.port) } }) as const);
}
