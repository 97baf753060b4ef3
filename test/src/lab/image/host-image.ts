import type { LabConfig } from "../config.ts";
import { inspect } from "../docker.ts";
import { buildWithDebootstrap } from "./debootstrap.ts";
import { imageTag } from "./recipe.ts";
import { buildFromUbuntu, pullUbuntu } from "./ubuntu.ts";

export type HostImage = { tag: string; built: "cached" | "ubuntu" | "debootstrap" };

/** The image that hosts are made of: cached by its recipe, else from public Ubuntu, else from this machine's mirror. */
export async function ensureHostImage(config: LabConfig): Promise<HostImage> {
  const tag = imageTag(config);
  if ((await inspect("image", tag, "{{.Id}}")) !== undefined) return { tag, built: "cached" };
  const ubuntu = config.base === "ubuntu" || (config.base === "auto" && (await pullUbuntu(20_000)));
  if (ubuntu) {
    await buildFromUbuntu(tag);
    return { tag, built: "ubuntu" };
  }
  await buildWithDebootstrap(config, tag);
  return { tag, built: "debootstrap" };
}
