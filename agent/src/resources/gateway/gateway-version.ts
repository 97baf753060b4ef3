import type { GatewayImage } from "@fettle/shared/roles/gateway.ts";

/** X and Y of GitLab's version that an image is for. */
export interface GatewayVersion {
  readonly major: number;
  readonly minor: number;
}

const TAG = /(?:^|:)self-hosted-v(\d+)\.(\d+)\.(\d+)-ee(?:@|$)/;

/** null while GitLab's version is unknown; undefined for an exact reference whose tag does not say. */
export function versionOf(image: GatewayImage): GatewayVersion | null | undefined {
  if (image.kind === "exact") {
    const [, major, minor] = TAG.exec(image.reference) ?? [];
    return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
  }
  if (image.track === null) return null;
  const [major = 0, minor = 0] = image.track.split(".").map(Number);
  return { major, minor };
}

export function isAtLeast({ major, minor }: GatewayVersion, x: number, y: number): boolean {
  return major > x || (major === x && minor >= y);
}

/** The newest `self-hosted-vX.Y.*-ee` of a track; its patch number is the gateway's own (facts: gitlab-duo.md 4.1). */
export function newestTag(tags: readonly string[], track: string): string | null {
  const patches = tags.flatMap((tag) => {
    const [, major, minor, patch] = TAG.exec(tag) ?? [];
    return `${major}.${minor}` === track ? [{ tag, patch: Number(patch) }] : [];
  });
  return patches.sort((a, b) => b.patch - a.patch)[0]?.tag ?? null;
}
