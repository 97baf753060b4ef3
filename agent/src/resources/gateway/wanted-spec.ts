import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Image } from "../../clients/engine/images.ts";
import type { Host } from "../../system/host.ts";
import type { ResourceContext } from "../resource.ts";
import type { Gateway } from "./gateway.ts";
import { PIN_REPOSITORY, pinnedImage, pinTag } from "./image-pin.ts";
import { type KeyName, keysFor } from "./key-names.ts";
import { readKeys } from "./keys.ts";
import { type Spec, specOf } from "./spec.ts";

/** What the container is to be; or why that cannot be said yet, or is not possible. */
export type Wanted =
  | { readonly kind: "spec"; readonly spec: Spec; readonly image: Image }
  | { readonly kind: "waiting" | "blocked"; readonly code: Code; readonly args: CodeArgs };

/** Puts it together from the image that is held, the keys on disk and the CA bundle. */
export async function wantedSpec(ctx: ResourceContext, gateway: Gateway, signal: AbortSignal): Promise<Wanted> {
  const { clients, host, pass } = ctx;
  const { params } = gateway;
  const image = await pinnedImage(params.image, clients.engine, pass, signal);
  const tag = pinTag(params.image);
  if (image === null || tag === null) return { kind: "waiting", code: "gateway.container.no-image", args: {} };
  const files = await readKeys(host.files, gateway, keysFor(params.image) ?? []);
  const keys = new Map<KeyName, string>();
  for (const { name, pem } of files) {
    if (pem === null) return { kind: "waiting", code: "gateway.container.no-keys", args: {} };
    keys.set(name, pem);
  }
  const ca = params.caBundle === undefined ? null : await bundle(host, params.caBundle, signal);
  if (ca !== null && ca.kind !== "bundle") return ca;
  const pin = `${PIN_REPOSITORY}:${tag}`;
  const imageName = image.RepoTags?.find((one) => one !== pin && !one.startsWith(`${PIN_REPOSITORY}:`)) ?? pin;
  const imageReference = image.RepoDigests?.[0] ?? pin;
  const parts = { imageId: image.Id, imageReference, imageName, keys, caSha256: ca?.sha256 ?? null };
  return { kind: "spec", spec: specOf(params, parts), image };
}

type Bundle = { readonly kind: "bundle"; readonly sha256: string } | Extract<Wanted, { kind: "waiting" | "blocked" }>;

/** The gateway runs as a plain user of its image: a file that only root may read is as good as none. */
async function bundle(host: Host, path: string, signal: AbortSignal): Promise<Bundle> {
  const stat = await host.files.stat(path);
  const sha256 = stat?.kind === "file" ? await host.files.sha256(path, signal) : null;
  if (stat === null || sha256 === null) return { kind: "blocked", code: "gateway.container.ca-absent", args: { path } };
  if ((stat.mode & 0o004) === 0) return { kind: "blocked", code: "gateway.container.ca-unreadable", args: { path } };
  return { kind: "bundle", sha256 };
}
