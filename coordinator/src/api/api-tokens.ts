import { apiTokenRoute, apiTokensRoute, revokeApiTokenRoute } from "@fettle/shared/api/tokens.ts";
import { hostPort } from "@fettle/shared/lib/address.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { newApiToken } from "./api-token.ts";
import { reads, steers } from "./handler.ts";
import { ownAddresses } from "./own-addresses.ts";
import { maySee } from "./principal.ts";

/** For one stack when it is named (or the caller's own is), else for all. */
export const makeApiToken = steers(
  apiTokenRoute,
  ({ body }, { stack, id }) => ({ stack, what: `token create --api ${body.role} ${body.name} (${id})` }),
  async ({ context, principal, query, body: { name, role } }) => {
    const stack = query.stack ?? principal.stack;
    if (!maySee(principal, stack)) throw new FettleError("api.not-found", { what: `stack ${stack}` });
    const { id, token, secretHash } = newApiToken();
    await context.store.apiTokens.add({
      id,
      stack,
      name,
      role,
      secretHash,
      createdAt: context.clock.now(),
      revokedAt: null,
    });
    const [host] = ownAddresses(context.config);
    const url = host === undefined ? null : `https://${hostPort(host, context.config.api.port)}`;
    return { stack, token: token.reveal(), id, name, role, url, pin: context.pki.serverPin };
  },
);

export const apiTokens = reads(apiTokensRoute, async ({ context, principal }) => {
  const all = await context.store.apiTokens.list();
  return { tokens: all.filter((token) => maySee(principal, token.stack)) };
});

export const revokeApiToken = steers(
  revokeApiTokenRoute,
  ({ params }, { stack }) => ({ stack, what: `token revoke ${params.id}` }),
  async ({ context, principal, params: { id } }) => {
    const row = await context.store.apiTokens.get(id);
    if (row === undefined || !maySee(principal, row.stack))
      throw new FettleError("api.not-found", { what: `API token ${id}` });
    await context.store.apiTokens.revoke(id, context.clock.now());
    return { stack: row.stack, id };
  },
);
