import { isAdmin } from "./auth.ts";
import { gid, MODEL, parseGid, THREAD } from "./gid.ts";
import { healthCheck } from "./health-check.ts";
import { activePurchases, duoEnterprise, hasSeat, managesModels } from "./licence.ts";
import { type PageArgs, page } from "./page.ts";
import { featureViews, modelView, modelViews, purchaseView, userView, type View } from "./views.ts";
import { type Call, nowIso, stateOf } from "./world.ts";

export type Resolver = (args: never, call: Call) => unknown;

/** One function per field of Query. What the caller may not see is null, without an error, as in the real one. */
export const QUERIES: Readonly<Record<string, Resolver>> = {
  aiSelfHostedModels: (args: PageArgs & { id?: string | null }, call) => {
    if (!managesModels(call.world, call.caller)) return null;
    if (!args.id) return page(modelViews(stateOf(call)), args);
    const found = modelView(stateOf(call), parseGid(args.id, MODEL));
    return page(found ? [found] : [], args);
  },
  aiFeatureSettings: (args: PageArgs & { selfHostedModelId?: string | null }, call) => {
    if (!managesModels(call.world, call.caller)) return null;
    const modelId = args.selfHostedModelId ? parseGid(args.selfHostedModelId, MODEL) : null;
    return page(featureViews(stateOf(call), modelId), args);
  },
  duoSettings: (_: unknown, call) => (managesModels(call.world, call.caller) ? stateOf(call).duoSettings : null),
  cloudConnectorStatus: (_: unknown, call) => (call.caller ? healthCheck(call.world) : null),
  addOnPurchases: (_: unknown, call) => {
    if (!isAdmin(call.world, call.caller)) return [];
    return activePurchases(call.world).map(([id]) => purchaseView(stateOf(call), id));
  },
  selfManagedAddOnEligibleUsers: (args: PageArgs & { search?: string | null }, call) =>
    isAdmin(call.world, call.caller) ? page(eligibleUsers(call, args.search ?? ""), args) : null,
  currentLicense: (_: unknown, call) => (isAdmin(call.world, call.caller) ? licenceView(call) : null),
  currentUser: (_: unknown, call) => (call.caller ? currentUser(call, call.caller.userId) : null),
  metadata: (_: unknown, call) => (call.caller ? metadata(call) : null),
  aiMessages: (args: PageArgs & { requestIds?: string[] | null; roles?: string[] | null }, call) =>
    page(messages(call, args.requestIds ?? null, args.roles ?? null), args),
  aiConversationThreads: (args: PageArgs, call) => page(threads(call), args),
  echo: (args: { text: string }, call) => `"${call.caller?.user.username ?? "nil"}" says: ${args.text}`,
};

function eligibleUsers(call: Call, search: string): View[] {
  const state = stateOf(call);
  const wanted = search.toLowerCase();
  return Object.entries(state.users)
    .filter(([, user]) => user.active && !user.bot)
    .filter(([, user]) => `${user.username}\n${user.name}`.toLowerCase().includes(wanted))
    .map(([id]) => userView(state, id));
}

function licenceView(call: Call): View | null {
  const state = stateOf(call);
  const { licence } = state;
  if (!licence) return null;
  const used = Object.values(state.users).filter((user) => user.active && !user.bot).length;
  return {
    id: gid("License", "1"),
    plan: licence.plan,
    type: licence.type,
    trial: licence.trial,
    startsAt: licence.startsAt,
    createdAt: licence.startsAt,
    activatedAt: licence.startsAt,
    expiresAt: licence.expiresAt ?? null,
    blockChangesAt: licence.expiresAt ?? null,
    lastSync: licence.lastSync ?? null,
    company: "Example",
    email: "admin@example.com",
    name: "Administrator",
    usersInLicenseCount: licence.userCount,
    billableUsersCount: used,
    maximumUserCount: used,
    usersOverLicenseCount: Math.max(0, used - licence.userCount),
    hasGitlabCreditsAddOn: false,
  };
}

function currentUser(call: Call, id: string): View {
  const allowed = hasSeat(call.world, id) && duoEnterprise(call.world);
  return {
    ...userView(stateOf(call), id),
    duoChatAvailable: allowed,
    duoClassicChatAvailable: allowed,
    duoCodeSuggestionsAvailable: allowed,
    duoChatAvailableFeatures: allowed ? ["include_file_context"] : [],
    codeSuggestionsContexts: allowed ? ["open_tabs"] : [],
  };
}

function metadata(call: Call): View {
  const { version, revision } = stateOf(call);
  return {
    version,
    revision,
    enterprise: version.endsWith("-ee"),
    kas: { enabled: false, externalUrl: null, externalK8sProxyUrl: null, version: null },
    featureFlags: (args: { names: string[] }) => args.names.map((name) => ({ name, enabled: false })),
  };
}

function messages(call: Call, requestIds: string[] | null, roles: string[] | null): View[] {
  if (!call.caller) return [];
  return call.world.chat
    .of(call.caller.userId)
    .filter((message) => requestIds === null || requestIds.includes(message.requestId))
    .filter((message) => roles === null || roles.includes(message.role))
    .map((message) => ({ ...message, contentHtml: message.content, chunkId: null, extras: null, type: null }));
}

function threads(call: Call): View[] {
  if (!call.caller) return [];
  const ids = new Set(call.world.chat.of(call.caller.userId).map((message) => message.threadId));
  const at = nowIso(call.world);
  return [...ids].map((id) => ({
    id: gid(THREAD, id),
    conversationType: "DUO_CHAT",
    createdAt: at,
    lastUpdatedAt: at,
    title: null,
  }));
}
