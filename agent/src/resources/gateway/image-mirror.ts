import { plain } from "@fettle/shared/mirror/image-entry.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import { GATEWAY_MIRROR_REPOSITORY, GATEWAY_REPOSITORY, type GatewayImage } from "@fettle/shared/roles/gateway.ts";
import { parseReference } from "../../clients/image-name.ts";
import type { MirrorClient } from "../../clients/mirror.ts";
import { newestTag } from "./gateway-version.ts";

const OFFICIAL: readonly string[] = [GATEWAY_REPOSITORY, GATEWAY_MIRROR_REPOSITORY];

/** What the mirror has for a declaration: this very reference, or the newest official image of the track. */
export function mirrored(mirror: MirrorClient, image: GatewayImage): MirrorItem | null {
  const items = mirror.list("gateway").filter(({ imageId }) => imageId !== undefined);
  if (image.kind === "exact") return items.find(({ name }) => plain(name) === plain(image.reference)) ?? null;
  const official = items.filter(({ name }) => OFFICIAL.includes(plain(parseReference(name).repository)));
  const tags = official.flatMap(({ name }) => parseReference(name).tag ?? []);
  const newest = newestTag(tags, image.track ?? "");
  return official.find(({ name }) => newest !== null && parseReference(name).tag === newest) ?? null;
}

/** The very image that a declaration was given before. */
export function mirroredAgain(mirror: MirrorClient, name: string, imageId: string): MirrorItem | null {
  return mirror.list("gateway").find((item) => item.imageId === imageId && item.name === name) ?? null;
}
