import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import { GATEWAY_REPOSITORY, type GatewayImage } from "@fettle/shared/roles/gateway.ts";
import { parseReference } from "../../clients/image-name.ts";
import {
  imageDigest,
  imageManifestOf,
  imageTags,
  type RegistryAnswer,
  type RegistryProblem,
} from "../../clients/image-registry.ts";
import type { MirrorClient } from "../../clients/mirror.ts";
import type { Host } from "../../system/host.ts";
import type { Kept } from "../resource.ts";
import { newestTag } from "./gateway-version.ts";
import { mirrored, mirroredAgain } from "./image-mirror.ts";

/** What would be pulled. */
export interface Choice {
  readonly repository: string;
  /** A tag, or `sha256:…`. */
  readonly reference: string;
  /** The digest that the registry has under it; null when it did not say. */
  readonly published: string | null;
  /** Compressed bytes; null when unknown. */
  readonly bytes: number | null;
}

export type Chosen =
  | { readonly kind: "chosen"; readonly choice: Choice }
  /** The coordinator's mirror gives it. */
  | { readonly kind: "mirrored"; readonly item: MirrorItem }
  /** It would, and this machine's policy does not take it from there. */
  | { readonly kind: "not-allowed"; readonly item: MirrorItem }
  /** The registry has no such image, or no tag of the track. */
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly why: RegistryProblem; readonly problem: string };

/** What a declaration was given, so that the very same is pulled again. */
export interface Pinned {
  /** The declaration that it is for. */
  readonly tag: string;
  /** As a person knows it: repository and tag. */
  readonly name: string;
  readonly repository: string;
  readonly digest: string | null;
  readonly published: string | null;
  /** Of one that was loaded from an archive, which no registry has given a digest: 64 hex digits. */
  readonly imageId?: string;
}

const ASKED = "asked";
const GOOD_MS = 300_000;
const FAILED_MS = 60_000;
const PUBLISHED = "published";
const PUBLISHED_MS = 6 * 3_600_000;
const PIN = "pinned";

export function keptPin(kept: Kept, tag: string): Pinned | null {
  const pinned = JSON.parse(kept.get(PIN) ?? "null") as Pinned | null;
  return pinned?.tag === tag ? pinned : null;
}

export function keepPin(kept: Kept, pinned: Pinned): void {
  kept.set(PIN, JSON.stringify(pinned));
  kept.delete(PUBLISHED);
}

export function forgetPin(kept: Kept): void {
  kept.delete(PIN);
  kept.delete(ASKED);
}

/**
 * What to bring: what was pinned before, else an exact image that the mirror has, else what the registry has now (asked
 * at most once in five minutes), else what the mirror has in its place.
 */
export async function choose(
  host: Host,
  mirror: MirrorClient,
  kept: Kept,
  image: GatewayImage,
  tag: string,
  signal: AbortSignal,
): Promise<Chosen> {
  const pinned = keptPin(kept, tag);
  if (pinned?.digest) {
    const { repository, digest, published } = pinned;
    return { kind: "chosen", choice: { repository, reference: digest, published, bytes: null } };
  }
  const again = pinned?.imageId === undefined ? null : mirroredAgain(mirror, pinned.name, pinned.imageId);
  const item = again ?? mirrored(mirror, image);
  if (item !== null && mirror.allowed && (again !== null || image.kind === "exact")) return { kind: "mirrored", item };
  const chosen = await askAtTimes(host, kept, image, tag, signal);
  if (chosen.kind !== "failed" || item === null) return chosen;
  return { kind: mirror.allowed ? "mirrored" : "not-allowed", item };
}

async function askAtTimes(
  host: Host,
  kept: Kept,
  image: GatewayImage,
  tag: string,
  signal: AbortSignal,
): Promise<Chosen> {
  const known = JSON.parse(kept.get(ASKED) ?? "null") as { tag: string; at: number; chosen: Chosen } | null;
  const now = host.clock.now();
  const fresh = known?.chosen.kind === "failed" ? FAILED_MS : GOOD_MS;
  if (known?.tag === tag && now >= known.at && now - known.at < fresh) return known.chosen;
  const chosen = await ask(host, image, signal);
  kept.set(ASKED, JSON.stringify({ tag, at: now, chosen }));
  return chosen;
}

async function ask(host: Host, image: GatewayImage, signal: AbortSignal): Promise<Chosen> {
  if (image.kind === "exact") {
    const { repository, tag, digest } = parseReference(image.reference);
    return manifest(host, repository, digest ?? tag ?? "latest", signal);
  }
  const tags = await imageTags(host, GATEWAY_REPOSITORY, signal);
  if (tags.kind !== "found") return tags;
  const newest = newestTag(tags.value, image.track ?? "");
  return newest === null ? { kind: "absent" } : manifest(host, GATEWAY_REPOSITORY, newest, signal);
}

async function manifest(host: Host, repository: string, reference: string, signal: AbortSignal): Promise<Chosen> {
  const answer = await imageManifestOf(host, repository, reference, signal);
  if (answer.kind !== "found") return answer;
  const { digest, bytes } = answer.value;
  return { kind: "chosen", choice: { repository, reference, published: digest, bytes } };
}

/** The digest that the pinned image's tag has in the registry now, looked up every six hours; null when unknown. */
export async function publishedNow(
  host: Host,
  kept: Kept,
  { name }: Pinned,
  signal: AbortSignal,
): Promise<string | null> {
  const { repository, tag } = parseReference(name);
  if (tag === null) return null;
  const known = JSON.parse(kept.get(PUBLISHED) ?? "null") as { at: number; digest: string | null } | null;
  const now = host.clock.now();
  if (known && now >= known.at && now - known.at < PUBLISHED_MS) return known.digest;
  const answer: RegistryAnswer<string> = await imageDigest(host, repository, tag, signal);
  const digest = answer.kind === "found" ? answer.value : (known?.digest ?? null);
  kept.set(PUBLISHED, JSON.stringify({ at: now, digest }));
  return digest;
}
