import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_FILE, type Paths } from "../../config.ts";
import { CONFIGURATION } from "../backup/manifest.ts";

export interface Brought {
  /** `kept`: this machine's own stays, and the backup's, which differs, lies at `path` to be compared. */
  readonly state: "restored" | "kept" | "same" | "none";
  readonly path: string | null;
}

/**
 * The configuration says on which addresses of which machine it listens: one that is here already is this machine's,
 * and stays.
 */
export async function bringConfiguration({ config, data }: Paths, folder: string): Promise<Brought> {
  const source = join(folder, CONFIGURATION);
  if (!existsSync(source)) return { state: "none", path: null };
  const own = join(config, CONFIG_FILE);
  if (existsSync(own)) {
    if ((await readFile(own, "utf8")) === (await readFile(source, "utf8"))) return { state: "same", path: own };
    const path = join(data, `${CONFIG_FILE}.from-backup`);
    await copyFile(source, path);
    return { state: "kept", path };
  }
  await mkdir(config, { recursive: true, mode: 0o755 });
  await copyFile(source, own);
  await chmod(own, 0o644);
  return { state: "restored", path: own };
}

export async function takeBack({ state, path }: Brought): Promise<void> {
  if (path !== null && state !== "same") await rm(path, { force: true });
}
