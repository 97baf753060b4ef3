import { define } from "../define.ts";
import type { Resource, ResourceContext } from "../resource.ts";
import { type Found, findContainers, isOurs } from "./containers.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { PREVIOUS } from "./names.ts";

interface Observed {
  readonly found: Found["previous"];
  /** The gate is about this very container, and not still about the one before. */
  readonly confirmed: boolean;
}

const HELD = "held";
/** GitLab's answers are looked at again within this time in any case. */
const SURE_MS = 30 * 60_000;

/**
 * The container that the last swap set aside is gone. Its gate opens when GitLab had answers through the new one; an
 * open gate that stands from an earlier swap says nothing of this one, so it must have been seen shut.
 */
export function previous({ params }: Gateway): Resource<Observed> {
  const { drainMs: _drain, probes: _probes, ...declared } = params;
  return define<Observed>({
    id: "gateway.previous",
    declared,
    after: ["gateway.container", "gateway.ready", "gateway.auth"],
    touches: ["engine:"],
    observe: (ctx, signal) => engineLook(signal, () => observe(ctx, signal)),
    diff: ({ found, confirmed }) => {
      if (found === null || !isOurs(found)) return { kind: "in-sync" };
      if (!confirmed) return { kind: "waiting", code: "gateway.previous.unconfirmed", args: {} };
      const changes = [{ what: PREVIOUS, from: "set aside", to: null }];
      return { kind: "drift", changes, disturbs: "none", breaking: false };
    },
    apply: async ({ clients, pass }, _changes, signal) => {
      const found = (await findContainers(clients.engine, pass, signal)).previous;
      if (found !== null && isOurs(found)) await clients.engine.containers.remove(found.Id);
    },
  });
}

async function observe({ clients, gate, host, kept, pass }: ResourceContext, signal: AbortSignal): Promise<Observed> {
  const found = (await findContainers(clients.engine, pass, signal)).previous;
  if (found === null || gate === undefined) return { found, confirmed: true };
  if (!gate.open) kept.set(HELD, found.Id);
  if (kept.get(HELD) === found.Id) return { found, confirmed: true };
  const stopped = (await clients.engine.containers.inspect(found.Id, signal))?.State.FinishedAt ?? "";
  return { found, confirmed: host.clock.now() - Date.parse(stopped) > SURE_MS };
}
