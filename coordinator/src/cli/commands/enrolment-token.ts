import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import type { Answer } from "@fettle/shared/api/route.ts";
import { enrolmentTokenRoute, MAX_TOKEN_LIFE_S } from "@fettle/shared/api/tokens.ts";
import { formatDuration, parseDuration } from "@fettle/shared/lib/duration.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { launchCommand } from "../cloud-init/launch.ts";
import { CLOUDS, type Cloud } from "../cloud-init/machines.ts";
import { userData } from "../cloud-init/user-data.ts";
import { time } from "../render/text.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

export interface EnrolmentOptions {
  readonly node: string;
  readonly role?: readonly string[];
  readonly address?: string;
  readonly ttl?: string;
  readonly instanceId?: string;
  readonly cloudInit?: string;
}

type Made = Answer<typeof enrolmentTokenRoute>;

const MAX_MS = MAX_TOKEN_LIFE_S * 1000;

/** The token, and the line that installs the agent with it; or a cloud's user-data that does so at the first boot. */
export async function createEnrolment(session: Session, options: EnrolmentOptions): Promise<number> {
  const cloud = cloudOf(options.cloudInit);
  const made = await mint(session, options, cloud);
  const { out } = session;
  if (made.releases.length === 0) noRelease(session, made);
  if (cloud !== null) return await printUserData(session, made, cloud);
  if (out.isJson) out.json("enrolment-token", made);
  else {
    out.lines(made.line === null ? [made.token] : [made.token, made.line]);
    out.note(`for ${madeFor(made)}, good once until ${time(made.expiresAt)}; ${nextOf(made)}`);
  }
  return 0;
}

async function mint({ api, query }: Session, options: EnrolmentOptions, cloud: Cloud | null): Promise<Made> {
  const { node, role, address, instanceId } = options;
  const lifeMs = lifeOf(options.ttl) ?? (cloud === null ? null : MAX_MS);
  const body = {
    node,
    ...(role !== undefined && { roles: [...role] }),
    ...(address !== undefined && { address }),
    ...(lifeMs !== null && { lifeSeconds: Math.round(lifeMs / 1000) }),
    ...(instanceId !== undefined && { instanceId }),
  };
  return await api.call(enrolmentTokenRoute, { query, body });
}

function cloudOf(text: string | undefined): Cloud | null {
  if (text === undefined) return null;
  const cloud = CLOUDS.find((known) => known === text);
  if (cloud === undefined) throw usage(`--cloud-init takes ${CLOUDS.join(" or ")}, not ${text}`);
  return cloud;
}

function lifeOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDuration(text);
  if (ms === null || ms < 60_000 || ms > MAX_MS)
    throw usage(`--ttl takes 1m to ${formatDuration(MAX_MS)}, not ${text}`);
  return ms;
}

function madeFor({ node, roles }: Made): string {
  return `${node} (${roles.join(", ")})`;
}

function nextOf({ line, url }: Made): string {
  if (line === null) return new FettleError("install.no-address").remedy;
  return `next, paste the second line on that machine (it fetches ${url ?? ""}; another address: --address HOST). If curl says (90) there, another key answered, as that of a proxy: see docs/install.md`;
}

/** The token is good without one, for an agent that was put there by hand. */
function noRelease({ out }: Session, { releaseFolders }: Made): void {
  const { message, remedy, code } = new FettleError("install.no-release", { folders: releaseFolders.join(", ") });
  out.note(`${message} The line does not work before there is one. ${remedy} (${code})`);
}

async function printUserData(session: Session, made: Made, cloud: Cloud): Promise<number> {
  const { out } = session;
  const { node, roles, pin, url, token, id } = made;
  if (url === null) throw new FettleError("install.no-address");
  const text = userData({ node, roles, pin, url, token, id, until: time(made.expiresAt) });
  const file = `fettle-${node}.sh`;
  const launch = launchCommand(cloud, { node, roles, address: await addressOf(session, node), file });
  if (out.isJson) {
    out.json("enrolment-token", { ...made, userData: text, launch });
    return 0;
  }
  out.raw(text);
  out.note(`for ${madeFor(made)}, good once until ${time(made.expiresAt)}, for the first machine that uses it.`);
  out.note(
    `Save it as ${file}, for yourself alone (mode 600), then start the machine, with your own names in capitals:`,
  );
  out.note(launch);
  return 0;
}

/** The address that the stack declares for it: the machine has to have that one. */
async function addressOf({ api, query }: Session, node: string): Promise<string | null> {
  const { nodes } = await api.call(nodesRoute, { query });
  return nodes.find((each) => each.node === node)?.address ?? null;
}
