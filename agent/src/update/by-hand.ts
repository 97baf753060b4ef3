import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import {
  type ReleaseManifest,
  releaseArchiveName,
  type SignedManifest,
  signedManifest,
} from "@fettle/shared/release/manifest.ts";
import type { Host } from "../system/host.ts";
import type { UpdateLayout } from "./layout.ts";
import type { ArchiveSource } from "./source.ts";

const COPY_MS = 120_000;

/** What lies beside an archive on this machine. Throws `update.no-file`. */
export async function readManifest({ files }: Pick<Host, "files">, path: string): Promise<SignedManifest> {
  const problem = (text: string) => new FettleError("update.no-file", { path, problem: text });
  if ((await files.stat(path))?.kind !== "file") throw problem("there is no such file");
  const text = await files.readText(`${path}.manifest`).catch((error: unknown) => {
    throw problem(messageOf(error));
  });
  if (text === null) throw problem(`there is no ${path}.manifest`);
  try {
    return signedManifest.parse(JSON.parse(text));
  } catch {
    throw problem(`${path}.manifest is no release's manifest`);
  }
}

/**
 * Puts the archive where one that is fetched would lie; its sum is checked there like any other's. Throws
 * `update.sum-differs` for one of another size, and `update.no-file`.
 */
export async function copyArchive(
  { exec, files }: Pick<Host, "exec" | "files">,
  { programs }: UpdateLayout,
  path: string,
  manifest: ReleaseManifest,
): Promise<void> {
  const { version, size } = manifest;
  const found = (await files.stat(path))?.size;
  if (found !== size)
    throw new FettleError("update.sum-differs", { version, problem: `it has ${found} bytes and not ${size}` });
  const part = `${programs}/.fetch-${releaseArchiveName(manifest)}.part`;
  const { code, stderr } = await exec.run(["cp", "--", path, part], { timeoutMs: COPY_MS });
  if (code !== 0) throw new FettleError("update.no-file", { path, problem: stderr.trim().slice(0, 300) });
}

/** All there is was copied: more of it there is not. */
export const nothingMore: ArchiveSource = {
  open: async () => ({ status: 416, chunks: nothing(), close: () => undefined }),
};

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* [];
}
