import { hostPort } from "@fettle/shared/lib/address.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { access, BEFORE_WRITES, type Gitlab, LOOK_MS } from "./gitlab.ts";

interface Observed {
  /** GitLab's words when it refuses the gateway's address; null when it does not. */
  readonly problem: string | null;
  readonly list: readonly string[];
}

/** A refusal is tried again after this, in case the cause lay elsewhere. */
const TRY_AGAIN_MS = 15 * 60_000;

/**
 * GitLab has not refused to call the gateway's address. Only after it did, and only when the stack allows it, exactly
 * that address and port is added to the list; the rest of the list stays, and no switch is touched.
 */
export function outbound(gitlab: Gitlab): Resource<Observed> {
  const { gatewayUrl, allowOutbound } = gitlab.params;
  const address = outboundAddress(gatewayUrl);
  return define<Observed>({
    id: "gitlab.outbound",
    declared: { gatewayUrl, allowOutbound },
    after: BEFORE_WRITES,
    polled: true,
    lookMs: LOOK_MS,
    touches: ["gitlab:"],
    observe: (ctx, signal) => observe(ctx, gitlab, signal),
    diff: (observed) => diff(observed, address, allowOutbound),
    apply: (ctx, _changes, signal) => append(ctx, gitlab, address, signal),
  });
}

/** As GitLab's list wants it: `ip:port`. */
export function outboundAddress(gatewayUrl: string): string {
  const { protocol, hostname, port } = new URL(gatewayUrl);
  return hostPort(hostname.replace(/^\[|\]$/g, ""), Number(port || (protocol === "https:" ? 443 : 80)));
}

async function observe(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<Observed> {
  const { notes } = gitlab;
  const { refusal } = notes;
  if (refusal === null) return { problem: null, list: [] };
  const { outbound: list, allowsLocal } = await ctx.clients.gitlab.settings(await access(ctx, gitlab), signal);
  const seen = JSON.stringify([[...list].sort(), allowsLocal]);
  const changed = refusal.seen !== null && refusal.seen !== seen;
  refusal.seen = seen;
  // Whoever changed it, it is worth another try.
  if (changed || ctx.host.clock.mono() - refusal.at >= TRY_AGAIN_MS) notes.refusal = null;
  return { problem: notes.refusal === null ? null : refusal.problem, list };
}

function diff({ problem, list }: Observed, address: string, allowed: boolean): Verdict {
  if (problem === null) return { kind: "in-sync" };
  const changes = [{ what: "outbound addresses", from: null, to: address }];
  if (allowed && !list.includes(address)) return { kind: "drift", changes, disturbs: "none", breaking: false };
  return { kind: "blocked", code: "gitlab.outbound.refused", args: { address, problem }, changes };
}

/** GitLab replaces the whole list, so it is read just before and compared just after. */
async function append(ctx: ResourceContext, gitlab: Gitlab, address: string, signal: AbortSignal): Promise<void> {
  const client = ctx.clients.gitlab;
  const asking = await access(ctx, gitlab);
  const before = (await client.settings(asking, signal)).outbound;
  if (before.includes(address)) return;
  const wanted = [...before, address];
  await client.replaceOutbound(asking, wanted, signal);
  const after = (await client.settings(asking, signal)).outbound;
  const missing = wanted.filter((one) => !after.includes(one));
  if (missing.length > 0) throw new FettleError("gitlab.outbound.not-kept", { missing: missing.join(", ") });
}
