import type { Container } from "../../clients/engine/container.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { gatewayUse } from "./container.ts";
import { currentContainer } from "./containers.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { LABEL_SPEC } from "./names.ts";
import { authAt, START_MS } from "./probes.ts";

interface Observed {
  readonly answer: Awaited<ReturnType<typeof authAt>> | null;
  readonly bypass: boolean;
  /** Ms since the container's start; negative when the clock was set back. */
  readonly upMs: number;
  /** A container of this very make was made anew for this already. */
  readonly recreated: boolean;
}

const RECREATED = "recreated";
const SETTLE_MS = 130_000;

/** The gateway asks everybody for a token, unless the stack says otherwise. */
export function auth(gateway: Gateway): Resource<Observed> {
  const { params } = gateway;
  return define<Observed>({
    id: "gateway.auth",
    declared: { address: params.address, auth: params.auth },
    after: ["gateway.container"],
    settleMs: SETTLE_MS,
    touches: ["engine:"],
    service: gatewayUse(params),
    observe: (ctx, signal) => engineLook(signal, () => observe(ctx, gateway, signal)),
    diff,
    apply: async ({ clients, kept, pass }, _changes, signal) => {
      const found = await currentContainer(clients.engine, pass, signal);
      if (found === null) return;
      kept.set(RECREATED, makeOf(found));
      // gateway.container makes it anew at once.
      await clients.engine.containers.remove(found.Id);
    },
  });
}

async function observe({ clients, host, kept, pass }: ResourceContext, { params }: Gateway, signal: AbortSignal) {
  const bypass = params.auth === "bypass";
  const found = await currentContainer(clients.engine, pass, signal);
  if (found?.State.Status !== "running") return { answer: null, bypass, upMs: 0, recreated: false };
  const answer = await authAt(host.http, params, signal);
  const upMs = host.clock.now() - Date.parse(found.State.StartedAt);
  return { answer, bypass, upMs, recreated: kept.get(RECREATED) === makeOf(found) };
}

function makeOf({ Image, Config }: Container): string {
  return `${Image} ${Config.Labels?.[LABEL_SPEC] ?? ""}`;
}

function diff({ answer, bypass, upMs, recreated }: Observed): Verdict {
  if (answer === null) return { kind: "waiting", code: "gateway.auth.container-down", args: {} };
  if (bypass) return { kind: "in-sync", findings: [{ code: "gateway.auth.bypassed", args: {} }] };
  if (answer.kind === "silent" && upMs >= 0 && upMs < START_MS)
    return { kind: "unknown", code: "agent.in-transit", args: { what: "the gateway", state: "starting" } };
  if (answer.kind === "silent")
    return { kind: "waiting", code: "gateway.auth.not-ready", args: { problem: answer.problem } };
  if (answer.kind === "asks") return { kind: "in-sync" };
  if (recreated) return { kind: "blocked", code: "gateway.auth.open", args: { problem: answer.problem } };
  const changes = [{ what: "GET / without a token", from: answer.problem, to: "401" }];
  return { kind: "drift", changes, disturbs: "service", breaking: true };
}
