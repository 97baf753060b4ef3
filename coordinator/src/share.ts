import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "./config.ts";

/** What only a checkout has. */
const CHECKOUT = "pnpm-workspace.yaml";

/**
 * The folder that came with this program and holds `deploy/` and `agents/`: the nearest one above the running file that
 * has `deploy/units`. `/opt/fettle/VERSION` on a machine, the repository's root in a checkout; `from` where there is none.
 */
export function shareAbove(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "deploy/units"))) return folder;
    if (dirname(folder) === folder) return from;
  }
}

function isCheckout(share: string): boolean {
  return existsSync(join(share, CHECKOUT));
}

/** Where the agent's releases lie: what the operator brought, what came with the program, what a checkout built. */
export function releaseFolders({ paths, share }: Pick<Config, "paths" | "share">): readonly string[] {
  const built = isCheckout(share) ? [join(share, "dist/release")] : [];
  return [join(paths.data, "releases"), join(share, "agents"), ...built];
}
