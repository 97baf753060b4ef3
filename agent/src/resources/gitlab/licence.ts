import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { AddOnPurchase, GitlabState, Licence } from "../../clients/gitlab/state.ts";
import { define } from "../define.ts";
import type { Resource, ResourceFinding, Verdict } from "../resource.ts";
import { type Gitlab, LOOK_MS, stateOf } from "./gitlab.ts";

interface Observed {
  readonly state: GitlabState;
  readonly now: number;
}

const DAY_MS = 86_400_000;
const WARN_DAYS = 30;
/** The add-on that brings Duo Self-Hosted, and whose seats are given. */
export const DUO_ENTERPRISE = "DUO_ENTERPRISE";

/** Plan and add-on allow Duo Self-Hosted. Fettle never touches a licence; gateway and models go on without. */
export function licence(gitlab: Gitlab): Resource<Observed> {
  const platform = gitlab.params.platformUrl !== undefined;
  return define<Observed>({
    id: "gitlab.licence",
    declared: { platform },
    after: ["gitlab.token"],
    everyMs: gitlab.pollMs,
    lookMs: LOOK_MS,
    observe: async (ctx, signal) => ({ state: await stateOf(ctx, gitlab, signal), now: ctx.host.clock.now() }),
    diff: (observed) => diff(observed, platform),
  });
}

function diff({ state, now }: Observed, platform: boolean): Verdict {
  const { licence: found, purchases, version } = state;
  if (found === null) return blocked("gitlab.licence.none", {});
  const today = new Date(now).toISOString().slice(0, 10);
  const date = found.expiresAt?.slice(0, 10) ?? null;
  const how = howTo(found);
  if (date !== null && date < today) return blocked("gitlab.licence.expired", { date, how });
  const needed = neededPlan(found.plan, version);
  if (needed !== null) return blocked("gitlab.licence.plan", { version, plan: found.plan, needed, how });
  if (!purchases.some(({ name }) => name === DUO_ENTERPRISE))
    return blocked("gitlab.licence.add-on", { found: namesOf(purchases), how });
  const findings: ResourceFinding[] = [];
  if (date !== null && Date.parse(date) - now < WARN_DAYS * DAY_MS)
    findings.push({ code: "gitlab.licence.expiring", args: { date, how } });
  if (platform && found.type === "offline_cloud" && !purchases.some(({ name }) => /DAP|AGENT_PLATFORM/.test(name)))
    findings.push({ code: "gitlab.licence.platform-add-on", args: {} });
  return { kind: "in-sync", findings };
}

/** What the plan would have to be; null when it is enough. Premium came with 18.0. */
function neededPlan(plan: string, version: string): string | null {
  const premium = Number(version.split(".")[0]) >= 18;
  if (plan === "ultimate" || (premium && plan === "premium")) return null;
  return premium ? "Premium or Ultimate" : "Ultimate";
}

/** The way to a better licence differs between the three kinds. */
function howTo({ type }: Licence): string {
  if (type === "online_cloud") return "Renew or change the subscription, then press Sync in Admin > Subscription";
  if (type === "offline_cloud") return "Ask GitLab for a new offline licence and add it in Admin > Settings > General";
  return "A legacy licence has no add-ons: ask GitLab for a cloud licence and add it in Admin > Subscription";
}

function namesOf(purchases: readonly AddOnPurchase[]): string {
  return purchases.map(({ name }) => name).join(", ") || "none";
}

function blocked(code: Code, args: CodeArgs): Verdict {
  return { kind: "blocked", code, args };
}
