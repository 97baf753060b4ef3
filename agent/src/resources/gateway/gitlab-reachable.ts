import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Container } from "../../clients/engine/container.ts";
import { define } from "../define.ts";
import type { Kept, Resource, ResourceContext, Verdict } from "../resource.ts";
import { gatewayUse } from "./container.ts";
import { currentContainer } from "./containers.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { type GitlabLook, lookAtGitlab } from "./gitlab-look.ts";
import type { Cause } from "./inside-get.ts";
import { type KeyFailure, keyFailures } from "./key-failures.ts";

interface Observed {
  readonly gitlab: GitlabLook | null;
  /** The gateway's last failure to read GitLab's keys since its start. */
  readonly failure: KeyFailure | null;
  /** A restart has been tried for this, and nothing that would make another one help has happened since. */
  readonly restarted: boolean;
}

const EVERY_MS = 60_000;
const STOP_S = 15;
const AGAIN_MS = 3_600_000;
const SCAN = "scan";
const RESTARTED = "restarted";
const UNREACHABLE = "unreachable";

/** The gateway reaches GitLab's keys from its inside, and has not failed to since it was started. */
export function gitlabReachable(gateway: Gateway): Resource<Observed> {
  const { gitlabUrl, caBundle } = gateway.params;
  return define<Observed>({
    id: "gateway.gitlab-reachable",
    declared: { gitlabUrl, caBundle },
    after: ["gateway.container"],
    everyMs: EVERY_MS,
    lookMs: 60_000,
    settleMs: 60_000,
    touches: ["engine:"],
    service: gatewayUse(gateway.params),
    observe: (ctx, signal) => engineLook(signal, () => observe(ctx, gateway, signal)),
    diff,
    apply: async ({ clients, host, kept, pass }, _changes, signal) => {
      const found = await currentContainer(clients.engine, pass, signal);
      if (found === null) return;
      kept.set(RESTARTED, String(host.clock.now()));
      await clients.engine.containers.restart(found.Id, STOP_S);
    },
  });
}

async function observe(ctx: ResourceContext, { params }: Gateway, signal: AbortSignal): Promise<Observed> {
  const { clients, kept, host, pass } = ctx;
  const found = await currentContainer(clients.engine, pass, signal);
  if (found?.State.Status !== "running") return { gitlab: null, failure: null, restarted: false };
  const gitlab = await lookAtGitlab(clients.engine, found.Id, params, signal);
  const now = host.clock.now();
  if (gitlab.kind !== "reachable") kept.set(UNREACHABLE, String(now));
  const failure = await failureSinceStart(ctx, found, signal);
  return { gitlab, failure, restarted: wasTried(kept, now) };
}

/** A restart helps again when GitLab was away in between, or after an hour in any case. */
function wasTried(kept: Kept, now: number): boolean {
  const at = Number(kept.get(RESTARTED) ?? Number.NaN);
  if (Number.isNaN(at) || now - at > AGAIN_MS || now < at) return false;
  return Number(kept.get(UNREACHABLE) ?? 0) < at;
}

interface Scan {
  readonly startedAt: string;
  readonly readTo: string;
  readonly last: KeyFailure | null;
}

/** Reads only what the log got since the last look. */
async function failureSinceStart(
  { clients, kept }: ResourceContext,
  { Id, State }: Container,
  signal: AbortSignal,
): Promise<KeyFailure | null> {
  const known = JSON.parse(kept.get(SCAN) ?? "null") as Scan | null;
  const before = known?.startedAt === State.StartedAt ? known : null;
  const since = before?.readTo ?? State.StartedAt;
  const { last, readTo } = await keyFailures(clients.engine, Id, since, signal);
  const scan: Scan = { startedAt: State.StartedAt, readTo, last: last ?? before?.last ?? null };
  if (JSON.stringify(scan) !== kept.get(SCAN)) kept.set(SCAN, JSON.stringify(scan));
  return scan.last;
}

const CODES: Readonly<Record<Cause, Code>> = {
  name: "gateway.gitlab-reachable.name",
  route: "gateway.gitlab-reachable.route",
  proxy: "gateway.gitlab-reachable.proxy",
  chain: "gateway.gitlab-reachable.chain",
  clock: "gateway.gitlab-reachable.clock",
  scheme: "gateway.gitlab-reachable.scheme",
};

function diff({ gitlab, failure, restarted }: Observed): Verdict {
  if (gitlab === null) return { kind: "waiting", code: "gateway.gitlab-reachable.container-down", args: {} };
  if (gitlab.kind === "no-curl") return { kind: "unknown", code: "gateway.gitlab-reachable.no-curl", args: {} };
  if (gitlab.kind !== "reachable") {
    const { url, problem } = gitlab;
    const args = { url: url.slice(0, 300), problem };
    if (gitlab.kind === "down") return { kind: "waiting", code: "gateway.gitlab-reachable.gitlab-down", args };
    if (gitlab.kind === "wrong") return { kind: "blocked", code: "gateway.gitlab-reachable.wrong-answer", args };
    return { kind: "blocked", code: CODES[gitlab.cause], args };
  }
  if (failure === null) return { kind: "in-sync" };
  if (restarted)
    return { kind: "blocked", code: "gateway.gitlab-reachable.still-failing", args: { problem: failure.text } };
  const changes = [{ what: "GitLab's keys in the gateway", from: `failed at ${failure.at}`, to: "read anew" }];
  return { kind: "drift", changes, disturbs: "service", breaking: true, restartOnly: true };
}
