import * as z from "zod";
import { MIRROR_KINDS, mirrorItem } from "../mirror/item.ts";
import { hash } from "../protocol/names.ts";
import { signedManifest } from "../release/manifest.ts";
import type { RouteContract } from "./route.ts";

const bytes = z.number().int().nonnegative();
const name = z.string().min(1).max(300);

/** An item as its owner sees it. */
export const mirrorView = mirrorItem.extend({ addedAt: z.number(), files: z.number().int() });
export type MirrorView = z.infer<typeof mirrorView>;

export const mirrorRoute = {
  name: "mirror",
  method: "GET",
  path: "/v1/mirror",
  role: "viewer",
  answer: z.object({
    items: z.array(mirrorView),
    releases: z.array(z.object({ version: z.string(), arch: z.string(), sha256: hash, size: bytes })),
    /** Where it lies on the coordinator's machine. */
    folder: z.string(),
    freeBytes: bytes,
  }),
} as const satisfies RouteContract;

/** Whether a file is there already. */
export const mirrorBlobRoute = {
  name: "mirror-blob",
  method: "GET",
  path: "/v1/mirror/blobs/:sha256",
  role: "admin",
  params: z.object({ sha256: hash }),
  answer: z.object({ sha256: hash, present: z.boolean() }),
} as const satisfies RouteContract;

/** A file's bytes as the body (application/octet-stream); kept only when they are whole and have this sum. */
export const mirrorUploadRoute = {
  name: "mirror-upload",
  method: "POST",
  path: "/v1/mirror/blobs/:sha256",
  role: "admin",
  params: z.object({ sha256: hash }),
  query: z.object({ size: z.coerce.number().int().nonnegative() }),
  answer: z.object({ sha256: hash, size: bytes }),
} as const satisfies RouteContract;

/** Takes back a file that was sent; one that something in the mirror needs stays. */
export const mirrorDropRoute = {
  name: "mirror-dropped",
  method: "DELETE",
  path: "/v1/mirror/blobs/:sha256",
  role: "admin",
  params: z.object({ sha256: hash }),
  answer: z.object({ freedBytes: bytes }),
} as const satisfies RouteContract;

/** What the files that were sent before are. */
export const mirrorAddition = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("agent"), sha256: hash, signed: signedManifest }),
  z.strictObject({
    kind: z.literal("ollama"),
    version: z.string().regex(/^\d{1,4}(\.\d{1,4}){2}(-[a-z0-9.]{1,20})?$/),
    arch: z.enum(["x64", "arm64"]),
    sha256: hash,
  }),
  z.strictObject({ kind: z.literal("gateway"), reference: name, sha256: hash, imageId: hash.optional() }),
  /** `sha256` is the manifest's. */
  z.strictObject({ kind: z.literal("model"), name, sha256: hash }),
]);
export type MirrorAddition = z.infer<typeof mirrorAddition>;

export const mirrorAddRoute = {
  name: "mirror-added",
  method: "POST",
  path: "/v1/mirror/items",
  role: "admin",
  body: mirrorAddition,
  answer: z.object({ kind: z.string(), name: z.string(), sha256: hash, size: bytes, imageId: hash.optional() }),
} as const satisfies RouteContract;

export const mirrorRemoveRoute = {
  name: "mirror-removed",
  method: "DELETE",
  path: "/v1/mirror/items",
  role: "admin",
  query: z.object({ kind: z.enum(MIRROR_KINDS), name }),
  answer: z.object({ kind: z.string(), name: z.string(), freedBytes: bytes }),
} as const satisfies RouteContract;

/** Reads every file again. */
export const mirrorCheckRoute = {
  name: "mirror-check",
  method: "POST",
  path: "/v1/mirror/check",
  role: "admin",
  answer: z.object({
    files: z.number().int(),
    bytes,
    damaged: z.array(z.object({ sha256: hash, problem: z.string(), items: z.array(z.string()) })),
  }),
} as const satisfies RouteContract;
