import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { GatewayImage } from "@fettle/shared/roles/gateway.ts";
import type { EngineClient } from "../../clients/engine/engine.ts";
import type { Image } from "../../clients/engine/images.ts";
import { familiar } from "../../clients/image-name.ts";
import type { Pass } from "../resource.ts";

/**
 * The image that a declaration was given once, held in the Engine under a tag of Fettle's own: a tag of the vendor's
 * that is published anew, or pulled by somebody, moves nothing, and a pruning of unnamed images spares it.
 */
export const PIN_REPOSITORY = "fettle/model-gateway";

/** As in `fettle/model-gateway:auto-18.8`; null while the track is unknown. */
export function pinTag(image: GatewayImage): string | null {
  if (image.kind === "exact") return `exact-${hashOf(image.reference).slice(0, 12)}`;
  return image.track === null ? null : `auto-${image.track}`;
}

/** The pinned image as the Engine has it; null when it is not there. Shared within a pass. */
export function pinnedImage(
  image: GatewayImage,
  engine: EngineClient,
  pass: Pass,
  signal: AbortSignal,
): Promise<Image | null> {
  const tag = pinTag(image);
  if (tag === null) return Promise.resolve(null);
  return pass.once(`engine:pin:${tag}`, () => engine.images.inspect(`${PIN_REPOSITORY}:${tag}`, signal));
}

/** The digest under which a registry serves this image; null for one that no registry has given. */
export function digestIn({ RepoDigests }: Image, repository: string): string | null {
  const known = (RepoDigests ?? []).map((one) => one.split("@"));
  return known.find(([name]) => name === familiar(repository))?.[1] ?? null;
}
