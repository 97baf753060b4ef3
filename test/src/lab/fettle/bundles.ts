import { join } from "node:path";
import { buildAgent, buildCoordinator } from "../../../../scripts/build.ts";
import type { LabConfig } from "../config.ts";

/** The programs as they are shipped, built into the lab's own folder, so that nobody's build gets in its way. */
export type Bundles = { agent: string; coordinator: string };

export async function buildBundles(config: LabConfig): Promise<Bundles> {
  const bundles = { agent: join(config.folder, "dist/agent"), coordinator: join(config.folder, "dist/coordinator") };
  await buildAgent(bundles.agent);
  await buildCoordinator(bundles.coordinator);
  return bundles;
}
