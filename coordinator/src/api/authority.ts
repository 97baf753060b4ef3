import { type AuthorityAnswer, authorityRoute, rotateRoute } from "@fettle/shared/api/authority.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Context } from "../context.ts";
import { reads, steers } from "./handler.ts";

export const authority = reads(authorityRoute, async ({ context }) => await answerOf(context));

export const rotateAuthority = steers(
  rotateRoute,
  ({ body: { without } }) => ({
    stack: "*",
    what: `ca rotate${without.length === 0 ? "" : ` without ${without.join(", ")}`}`,
  }),
  async ({ context, principal, body: { without } }) => {
    // The CA is that of all stacks.
    if (principal.stack !== "*")
      throw new FettleError("api.forbidden", { needed: "admin of all stacks", has: principal.role });
    for (const node of without)
      if ((await context.store.nodes.get(node)) === undefined)
        throw new FettleError("api.not-found", { what: `node ${node}` });
    await context.rotation.start(without);
    return await answerOf(context);
  },
);

async function answerOf({ pki, rotation }: Context): Promise<AuthorityAnswer> {
  const { active } = pki.authorities;
  const state = await rotation.state();
  return {
    root: active.rootHash,
    rootEndsAt: active.rootNotAfter,
    issuerEndsAt: active.notAfter,
    serverEndsAt: pki.server().notAfter,
    rootKeyHere: await pki.rootKeyHere(),
    serverPin: pki.serverPin,
    rotation:
      state === null ? null : { ...state, lacking: [...state.lacking], without: [...(await rotation.without())] },
  };
}
