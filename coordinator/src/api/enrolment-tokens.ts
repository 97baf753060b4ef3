import { installLine, installUrl } from "@fettle/shared/api/install.ts";
import { enrolmentTokenRoute } from "@fettle/shared/api/tokens.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { roleNamed } from "@fettle/shared/roles/roles.ts";
import type { Context } from "../context.ts";
import { steers } from "./handler.ts";
import { ownAddresses } from "./own-addresses.ts";
import type { Principal } from "./principal.ts";
import { whichStack } from "./which-stack.ts";

export const enrolmentTokens = steers(
  enrolmentTokenRoute,
  ({ body }, { stack, roles }) => ({ stack, what: `token create for ${body.node} (${roles.join(", ")})` }),
  async ({ context, principal, query, body }) => {
    const { node, roles: asked, address, lifeSeconds, instanceId } = body;
    const stack = await stackFor(context, principal, query.stack, node);
    const roles = asked ?? (await declaredRoles(context, node));
    if (roles.length === 0) throw new FettleError("stack.no-roles", { node });
    for (const role of roles)
      if (roleNamed(role) === undefined) throw new FettleError("api.not-found", { what: `role ${role}` });
    const { token, id, expiresAt } = await context.pki.mint({
      stack,
      node,
      roles,
      by: principal.who,
      ...(lifeSeconds !== undefined && { lifeMs: lifeSeconds * 1000 }),
      ...(instanceId !== undefined && { instanceId }),
    });
    const installation = await installationOf(context, token.reveal(), address, roles);
    return { stack, token: token.reveal(), id, node, roles: [...roles], expiresAt, ...installation };
  },
);

/** Roles that can take something from the mirror for which the machine's own policy is asked. */
const MIRRORED: readonly string[] = ["gateway", "ollama"];

/** How the machine that gets the token installs its agent from here. */
async function installationOf(context: Context, token: string, address: string | undefined, roles: readonly string[]) {
  const { config, pki } = context;
  const addresses = [...ownAddresses(config)];
  const host = address ?? addresses[0];
  const mirror = context.mirror.holdsProducts && roles.some((role) => MIRRORED.includes(role));
  const at = host === undefined ? null : { host, port: config.api.port, pin: pki.serverPin, token, mirror };
  const releases = (await context.releases()).map(({ manifest: { version, arch } }) => ({ version, arch }));
  return {
    pin: pki.serverPin,
    addresses,
    url: at === null ? null : installUrl(at),
    line: at === null ? null : installLine(at),
    releases,
    releaseFolders: [...context.releaseFolders],
  };
}

/** The node's own stack; for a node that none names yet, the one that is meant. */
async function stackFor(
  context: Context,
  principal: Principal,
  named: string | undefined,
  node: string,
): Promise<string> {
  const row = await context.store.nodes.get(node);
  if (named === undefined && row !== undefined) return await whichStack(context, principal, row.stack);
  try {
    return await whichStack(context, principal, named);
  } catch (error) {
    if (error instanceof FettleError && error.code === "stack.absent") throw new FettleError("stack.no-name");
    throw error;
  }
}

async function declaredRoles({ store }: Context, node: string): Promise<string[]> {
  const row = await store.nodes.get(node);
  return row === undefined ? [] : (JSON.parse(row.roles) as string[]);
}
