import { lchown, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the data folder is, where this runs as root and that is somebody else's; else null. */
async function otherOwner(folder: string): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null;
  const { uid, gid } = await stat(folder).catch(() => ({ uid: 0, gid: 0 }));
  return uid === 0 ? null : { uid, gid };
}

/** What root made in the data folder becomes its owner's, so that the service, which is not root, can write it. */
export async function giveToOwner(folder: string): Promise<void> {
  const owner = await otherOwner(folder);
  if (owner === null) return;
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), owner.uid, owner.gid);
}

/** Throws `coordinator.wrong-user` where root would serve from a folder of somebody else's. */
export async function refuseForeignRoot(folder: string): Promise<void> {
  const owner = await otherOwner(folder);
  if (owner !== null) throw new FettleError("coordinator.wrong-user", { path: folder, uid: owner.uid });
}
