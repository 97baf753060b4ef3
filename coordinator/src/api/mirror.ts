import {
  mirrorAddRoute,
  mirrorBlobRoute,
  mirrorCheckRoute,
  mirrorDropRoute,
  mirrorRemoveRoute,
  mirrorRoute,
} from "@fettle/shared/api/mirror.ts";
import type { Context } from "../context.ts";
import { reads, steers } from "./handler.ts";

/** The mirror belongs to no stack; its changes are kept in the audit of all. */
const ALL = "*";

export const mirror = reads(mirrorRoute, async ({ context }) => {
  const releases = await context.releases();
  return {
    items: context.mirror.stored.map(({ item, files, addedAt }) => ({ ...item, files: files.length, addedAt })),
    releases: releases.map(({ manifest: { version, arch, sha256, size } }) => ({ version, arch, sha256, size })),
    folder: context.mirror.folder,
    freeBytes: await context.mirror.freeBytes(),
  };
});

export const mirrorBlob = reads(mirrorBlobRoute, async ({ context, params: { sha256 } }) => {
  return { sha256, present: await context.mirror.has(sha256) };
});

export const mirrorDrop = reads(mirrorDropRoute, async ({ context, params: { sha256 } }) => {
  return { freedBytes: await context.mirror.drop(sha256) };
});

export const addToMirror = steers(
  mirrorAddRoute,
  (_, { kind, name }) => ({ stack: ALL, what: `mirror add ${kind} ${name}` }),
  async ({ context, body }) => {
    const added = await context.mirror.add(body);
    await tellAgents(context);
    return added;
  },
);

export const removeFromMirror = steers(
  mirrorRemoveRoute,
  ({ query: { kind, name } }) => ({ stack: ALL, what: `mirror remove ${kind} ${name}` }),
  async ({ context, query: { kind, name } }) => {
    const freedBytes = await context.mirror.remove(kind, name);
    await tellAgents(context);
    return { kind, name, freedBytes };
  },
);

export const checkMirror = reads(mirrorCheckRoute, async ({ context }) => await context.mirror.check());

async function tellAgents({ store, reconciler }: Context): Promise<void> {
  for (const { node } of await store.nodes.all()) reconciler.touch(node);
}
