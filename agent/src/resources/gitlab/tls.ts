import type { TlsPeer } from "../../system/net.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { accessWith, type Gitlab } from "./gitlab.ts";

interface Observed {
  /** null for plain http. */
  readonly peer: TlsPeer | null;
  readonly now: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const WARN_DAYS = 21;
const BLOCK_DAYS = 7;
const HANDSHAKE_MS = 10_000;

/** GitLab's certificate verifies from here and does not end soon. Fettle never renews it. */
export function tls(gitlab: Gitlab): Resource<Observed> {
  const { url, ca } = gitlab.params;
  return define<Observed>({
    id: "gitlab.tls",
    declared: { url, ca },
    everyMs: HOUR_MS,
    observe: (ctx) => observe(ctx, gitlab),
    diff: (observed) => diff(observed, url),
  });
}

async function observe(ctx: ResourceContext, gitlab: Gitlab): Promise<Observed> {
  const { protocol, hostname, port } = new URL(gitlab.params.url);
  const now = ctx.host.clock.now();
  if (protocol !== "https:") return { peer: null, now };
  const { ca } = await accessWith(ctx, gitlab, null);
  const name = hostname.replace(/^\[|\]$/g, "");
  const options = { ...(ca !== null && { ca }), timeoutMs: HANDSHAKE_MS };
  return { peer: await ctx.host.net.tls(name, Number(port || 443), options), now };
}

function diff({ peer, now }: Observed, url: string): Verdict {
  if (peer === null) return { kind: "in-sync", findings: [{ code: "gitlab.tls.plain", args: { url } }] };
  const { problem, issuer } = peer;
  if (problem !== null) return { kind: "blocked", code: "gitlab.tls.untrusted", args: { url, problem, issuer } };
  const days = Math.floor((peer.expiresAt - now) / DAY_MS);
  if (days < BLOCK_DAYS) return { kind: "blocked", code: "gitlab.tls.expiring", args: { url, days } };
  if (days >= WARN_DAYS) return { kind: "in-sync" };
  return { kind: "in-sync", findings: [{ code: "gitlab.tls.expiring-soon", args: { url, days } }] };
}
