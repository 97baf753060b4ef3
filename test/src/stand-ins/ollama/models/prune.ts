import type { Log } from "../log.ts";
import type { ModelStore } from "./model-store.ts";

/** What a pull has just brought and no manifest names yet is spared for so long. */
const GRACE_MS = 60 * 60_000;

/** Start-up: blobs that no manifest names and files that are no blobs go, when they are older than the grace. */
export function prune(store: ModelStore, log: Log): void {
  const broken = store.broken();
  if (broken !== undefined) {
    log.warn("routes.go:1965", "corrupt manifests detected, skipping prune operation.  Re-pull or delete to clear", {
      error: broken.message,
    });
    return;
  }
  const { digests, others } = store.blobs.olderThan(GRACE_MS);
  for (const name of others) store.blobs.removeFile(name);
  log.info("images.go:914", `total blobs: ${digests.length}`);
  log.info("images.go:921", `total unused blobs removed: ${store.removeUnused(digests)}`);
  store.pruneFolders();
}
