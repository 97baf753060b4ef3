import { FettleError } from "@fettle/shared/lib/errors.ts";
import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { ReleaseManifest } from "@fettle/shared/release/manifest.ts";

/** What this agent is, as far as a release has to fit it. */
export interface Present {
  readonly running: string;
  /** The newest version that ever proved itself here. */
  readonly newest: string;
  readonly arch: ReleaseManifest["arch"];
  /** What this agent speaks, and so what its coordinator understands. */
  readonly wire: ReleaseManifest["wire"];
}

/**
 * Whether a signed release is an update of this agent: `same` is nothing to do. Throws a FettleError `update.…` for one
 * that is refused. Pure.
 */
export function judgeRelease(manifest: ReleaseManifest, present: Present): "newer" | "same" {
  const { version, product, arch, minVersion, wire } = manifest;
  const { running, newest } = present;
  if (product !== "fettle-agent") throw new FettleError("update.wrong-product", { found: product });
  if (arch !== present.arch) throw new FettleError("update.wrong-arch", { found: arch, arch: present.arch });
  if (version === running) return "same";
  if (compareVersions(version, running) <= 0)
    throw new FettleError("update.downgrade", { node: "This machine", version, running });
  if (compareVersions(version, newest) <= 0) throw new FettleError("update.replayed", { version, newest });
  if (compareVersions(running, minVersion) < 0)
    throw new FettleError("update.too-old", { version, minVersion, running });
  if (wire.oldest > present.wire.newest || wire.newest < present.wire.oldest) {
    const own = { ownOldest: present.wire.oldest, own: present.wire.newest };
    throw new FettleError("update.wire", { version, oldest: wire.oldest, newest: wire.newest, ...own });
  }
  return "newer";
}
