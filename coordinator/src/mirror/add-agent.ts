import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { MirrorAddition } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { type ReleaseManifest, releaseArchiveName, releaseManifest } from "@fettle/shared/release/manifest.ts";
import { syncFolder, writeDurably } from "../durable.ts";
import type { Blobs } from "./blobs.ts";
import { MANIFEST_SUFFIX } from "./releases.ts";

/**
 * Puts a release of the agent beside the others. The manifest comes last: a release is found by it. Its signature is
 * the agents' to check; here its size and sum are.
 */
export async function addAgent(
  blobs: Blobs,
  folder: string,
  { sha256, signed }: Extract<MirrorAddition, { kind: "agent" }>,
): Promise<{ kind: "agent"; name: string; sha256: string; size: number }> {
  const manifest = readManifest(signed.manifest);
  const size = await blobs.sizeOf(sha256);
  const name = releaseArchiveName(manifest);
  if (size === null) throw new FettleError("mirror.no-blob", { sha256, what: name });
  try {
    if (sha256 !== manifest.sha256)
      throw new FettleError("mirror.sum-differs", { what: name, found: sha256, wanted: manifest.sha256 });
    if (size !== manifest.size) throw bad(`it has ${size} bytes, its manifest says ${manifest.size}`);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await rename(blobs.path(sha256), join(folder, name));
    await syncFolder(folder);
    await writeDurably(join(folder, `${name}${MANIFEST_SUFFIX}`), `${JSON.stringify(signed)}\n`, 0o600);
  } catch (error) {
    await blobs.remove(sha256);
    throw error;
  }
  return { kind: "agent", name, sha256, size };
}

function readManifest(text: string): ReleaseManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad("its manifest is not JSON");
  }
  const found = releaseManifest.safeParse(json);
  if (!found.success) throw bad("its manifest is not one of a release");
  if (found.data.product !== "fettle-agent") throw bad(`it is a ${found.data.product}`);
  return found.data;
}

function bad(problem: string): FettleError {
  return new FettleError("mirror.bad-agent", { problem });
}
