import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import { UPDATE_SETTINGS } from "../../clients/gitlab/documents.ts";
import type { DuoSettings, GitlabState } from "../../clients/gitlab/state.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { BEFORE_WRITES, type Gitlab, hidden, LOOK_MS, SETTLE_MS, stateOf } from "./gitlab.ts";
import { outboundAddress } from "./outbound.ts";
import { write } from "./write.ts";

type Setting = keyof DuoSettings;
type Wanted = Readonly<Partial<Record<Setting, string | number | boolean>>>;

/** GitLab's words when its outbound filter stands in the way. */
const FILTERED = /Requests to (the )?(local network|localhost|loopback|link local)|allowlist|is blocked/i;

/** GitLab knows the gateway's URL, and the time-out and the Agent Platform's address where the stack wants them. */
export function duoSettings(gitlab: Gitlab): Resource<GitlabState> {
  const wanted = wantedSettings(gitlab.params);
  return define<GitlabState>({
    id: "gitlab.duo-settings",
    declared: wanted,
    after: [...BEFORE_WRITES, "gitlab.outbound"],
    settleMs: SETTLE_MS,
    polled: true,
    everyMs: gitlab.pollMs,
    lookMs: LOOK_MS,
    touches: ["gitlab:"],
    observe: (ctx, signal) => stateOf(ctx, gitlab, signal),
    diff: (state) => diff(state, wanted),
    apply: (ctx, changes, signal) => apply(ctx, gitlab, wanted, changes, signal),
  });
}

/** GitLab cuts a slash off the URL's end, and takes the Agent Platform's address without a scheme. */
export function wantedSettings({ gatewayUrl, timeoutSeconds, platformUrl }: GitlabParams): Wanted {
  return {
    aiGatewayUrl: gatewayUrl.replace(/\/+$/, ""),
    ...(timeoutSeconds !== undefined && { aiGatewayTimeoutSeconds: timeoutSeconds }),
    ...(platformUrl !== undefined && {
      duoAgentPlatformServiceUrl: platformUrl,
      selfHostedDuoAgentPlatformServiceSecure: false,
    }),
  };
}

function diff(state: GitlabState, wanted: Wanted): Verdict {
  const { schema, settings, version } = state;
  if (!schema.has("Mutation.duoSettingsUpdate"))
    return blockedByVersion(version, "the gateway's URL", variable("AI_GATEWAY_URL", String(wanted.aiGatewayUrl)));
  if (settings === null) return hidden(state, "its Duo settings");
  const keys = Object.keys(wanted) as Setting[];
  const known = keys.filter((key) => schema.has(`DuoSettingsUpdateInput.${key}`));
  const changes = known.flatMap((key) => changeOf(key, settings, wanted));
  if (changes.length > 0) return { kind: "drift", changes, disturbs: "none", breaking: false };
  const absent = keys.filter((key) => !known.includes(key) && key !== "selfHostedDuoAgentPlatformServiceSecure");
  if (absent.length > 0)
    return blockedByVersion(version, absent.join(", "), "Take it out of the stack file, or upgrade GitLab");
  return { kind: "in-sync", findings: known.length < keys.length ? platformTls(version) : [] };
}

function changeOf(key: Setting, settings: DuoSettings, wanted: Wanted): Change[] {
  const found = settings[key] ?? null;
  const shown = typeof found === "string" ? found.replace(/\/+$/, "") : found;
  if (shown === wanted[key]) return [];
  return [{ what: key, from: found === null ? null : String(found), to: String(wanted[key]) }];
}

async function apply(
  ctx: ResourceContext,
  gitlab: Gitlab,
  wanted: Wanted,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const { version } = await stateOf(ctx, gitlab, signal);
  const keys = changes.map(({ what }) => what as Setting);
  const input = Object.fromEntries(keys.map((key) => [key, must(wanted[key], key)]));
  const refusal = (problem: string): FettleError => {
    if (!FILTERED.test(problem)) return new FettleError("gitlab.duo-settings.refused", { problem, version });
    gitlab.notes.refusal = { problem, at: ctx.host.clock.mono(), seen: null };
    return new FettleError("gitlab.outbound.refused", { address: outboundAddress(gitlab.params.gatewayUrl), problem });
  };
  await write(ctx, gitlab, UPDATE_SETTINGS, input, refusal, signal);
}

function blockedByVersion(version: string, what: string, how: string): Verdict {
  return { kind: "blocked", code: "gitlab.duo-settings.version", args: { version, what, how } };
}

function variable(name: string, value: string): string {
  return `Set gitlab_rails['env'] = { '${name}' => '${value}' } in /etc/gitlab/gitlab.rb and run \`gitlab-ctl reconfigure\`, or upgrade GitLab`;
}

function platformTls(version: string): ResourceFinding[] {
  return [{ code: "gitlab.duo-settings.platform-tls", args: { version } }];
}
