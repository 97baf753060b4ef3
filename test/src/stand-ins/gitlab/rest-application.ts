import { type Answer, json } from "./answer.ts";
import { activePurchases, validLicence } from "./licence.ts";
import type { RestCall, Route } from "./rest.ts";
import type { ApplicationSettings } from "./state.ts";

const READ = ["api", "read_api"];
const READ_USER = [...READ, "read_user"];

export const APPLICATION_ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/version$/, scopes: READ_USER, run: version },
  { method: "GET", path: /^\/metadata$/, scopes: READ_USER, run: metadata },
  { method: "GET", path: /^\/user$/, scopes: READ_USER, run: user },
  { method: "GET", path: /^\/license$/, scopes: READ, admin: true, run: licence },
  { method: "GET", path: /^\/geo_(?:nodes|sites)$/, scopes: READ, admin: true, run: geo },
  { method: "GET", path: /^\/application\/settings$/, scopes: READ, admin: true, run: settings },
  {
    method: "PUT",
    path: /^\/application\/settings$/,
    scopes: ["api"],
    admin: true,
    inMaintenance: true,
    run: updateSettings,
  },
];

const FLAGS: readonly (keyof ApplicationSettings)[] = [
  "allow_local_requests_from_web_hooks_and_services",
  "maintenance_mode",
  "admin_mode",
];
const LONGEST_ENTRY = 255;
const MOST_ENTRIES = 1_000;

function version({ world }: RestCall): Answer {
  const { version: number, revision } = world.store.state;
  return json(200, { version: number, revision });
}

function metadata({ world }: RestCall): Answer {
  const { version: number, revision } = world.store.state;
  return json(200, {
    version: number,
    revision,
    kas: { enabled: false, externalUrl: null, externalK8sProxyUrl: null, version: null },
    enterprise: number.endsWith("-ee"),
  });
}

function user({ caller, world }: RestCall): Answer {
  const { username, name, admin, active } = caller.user;
  const id = Number(caller.userId);
  const state = active ? "active" : "blocked";
  return json(200, {
    id,
    username,
    name,
    state,
    locked: false,
    web_url: `${world.url}/${username}`,
    bot: caller.user.bot,
    ...(admin ? { is_admin: true } : {}),
  });
}

function licence({ world }: RestCall): Answer {
  const { licence: kept, users } = world.store.state;
  if (!kept) return json(200, null);
  const active = Object.values(users).filter((each) => each.active && !each.bot).length;
  return json(200, {
    id: 1,
    plan: kept.plan,
    created_at: `${kept.startsAt}T00:00:00.000Z`,
    starts_at: kept.startsAt,
    expires_at: kept.expiresAt ?? null,
    historical_max: active,
    maximum_user_count: active,
    expired: validLicence(world) === null,
    overage: Math.max(0, active - kept.userCount),
    user_limit: kept.userCount,
    active_users: active,
    licensee: { Name: "Administrator", Company: "Example", Email: "admin@example.com" },
    add_ons: Object.fromEntries(activePurchases(world).map(([, bought]) => [bought.name, bought.purchasedQuantity])),
  });
}

/** The sites of a Geo set-up, this one marked; empty without Geo. */
function geo({ world }: RestCall): Answer {
  const { geo: role } = world.store.state;
  if (role === "none") return json(200, []);
  const site = (id: number, primary: boolean) => ({
    id,
    name: primary ? "primary" : "secondary",
    url: primary === (role === "primary") ? `${world.url}/` : "https://other-site.example.com/",
    primary,
    enabled: true,
    current: primary === (role === "primary"),
  });
  return json(200, [site(1, true), site(2, false)]);
}

function settings({ world }: RestCall): Answer {
  return json(200, { id: 1, ...world.store.state.applicationSettings });
}

/** A list replaces the list that was there; nothing is ever appended. */
function updateSettings(call: RestCall): Answer {
  const { world, params } = call;
  const wanted: Record<string, unknown> = { ...params };
  for (const flag of FLAGS) if (flag in wanted) wanted[flag] = wanted[flag] === true || wanted[flag] === "true";
  const list = wanted.outbound_local_requests_whitelist;
  if (typeof list === "string") wanted.outbound_local_requests_whitelist = list.split(/[\s,;]+/).filter(Boolean);
  const problem = listProblem(wanted.outbound_local_requests_whitelist);
  if (problem !== null) return json(400, { message: { outbound_local_requests_whitelist: [problem] } });
  world.store.change((state) => {
    Object.assign(state.applicationSettings, wanted);
  });
  return settings(call);
}

function listProblem(list: unknown): string | null {
  if (!Array.isArray(list)) return null;
  if (list.length > MOST_ENTRIES) return `is too long (maximum is ${MOST_ENTRIES} entries)`;
  const long = list.some((entry) => String(entry).length > LONGEST_ENTRY);
  return long ? `is too long (maximum is ${LONGEST_ENTRY} characters)` : null;
}
