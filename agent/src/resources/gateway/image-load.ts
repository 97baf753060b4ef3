import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { type ArchivedImage, readImageArchive } from "@fettle/shared/mirror/image-archive.ts";
import { contentOfInspection } from "@fettle/shared/mirror/image-content.ts";
import { ImageProblem } from "@fettle/shared/mirror/image-entry.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import { download } from "../../clients/download.ts";
import { parseReference } from "../../clients/image-name.ts";
import { byteReporter } from "../byte-reporter.ts";
import type { Reporter, ResourceContext } from "../resource.ts";
import { keepPin } from "./image-choice.ts";
import { PIN_REPOSITORY } from "./image-pin.ts";

const DOWNLOADS = "/var/lib/fettle-agent/downloads";
const OURS = /^gateway-[0-9a-f]{16}\.tar(?:\.part)?$/;

/**
 * Brings an image from the mirror's archive: its sum, then what it holds, then the id that the Engine has given it are
 * held against what was announced. The image is held under Fettle's tag then, and its id is the record of what is wanted.
 */
export async function loadImage(
  ctx: ResourceContext,
  tag: string,
  item: MirrorItem,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const path = await fetchArchive(ctx, item, signal, reporter);
  const archived = await lookInside(ctx, path, item);
  reporter.progress({ text: "loading the image" });
  const id = await load(ctx, path, item, archived, signal);
  await ctx.clients.engine.images.tag(id, PIN_REPOSITORY, tag);
  const { repository } = parseReference(item.name);
  const imageId = item.imageId ?? "";
  keepPin(ctx.kept, { tag, name: item.name, repository, digest: null, published: null, imageId });
  await ctx.host.files.remove(path);
}

async function fetchArchive(
  { host, clients }: ResourceContext,
  { name, sha256, size }: MirrorItem,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<string> {
  const to = `${DOWNLOADS}/gateway-${sha256.slice(0, 16)}.tar`;
  await removeOthers(host, to);
  if ((await host.files.sha256(to, signal)) === sha256) return to;
  await host.files.makeFolder(DOWNLOADS, { mode: 0o700 });
  const { freeBytes } = await host.files.space(DOWNLOADS);
  if (size > freeBytes) {
    const args = {
      image: name,
      needed: gigabytes(size),
      free: gigabytes(freeBytes),
      problem: `its archive, in ${DOWNLOADS}`,
    };
    throw new FettleError("gateway.image.disk-full", args);
  }
  const open = (from: number, stop: AbortSignal) => clients.mirror.open(sha256, { from }, stop);
  const onBytes = byteReporter(host, reporter, "fetching the image");
  const outcome = await download(host, { url: `mirror:${sha256}`, open, to, sha256 }, signal, onBytes);
  if (outcome.kind === "whole") return to;
  const problem = outcome.kind === "sum-differs" ? `its sha256 is ${outcome.found || "none"}` : outcome.problem;
  throw new FettleError("mirror.away", { what: name, problem: problem.slice(0, 300) });
}

async function removeOthers({ files }: ResourceContext["host"], keep: string): Promise<void> {
  for (const name of (await files.list(DOWNLOADS)) ?? []) {
    const path = `${DOWNLOADS}/${name}`;
    if (OURS.test(name) && !path.startsWith(keep)) await files.remove(path);
  }
}

/** Nothing is loaded that holds another image than the one that was announced, or more. */
async function lookInside({ host }: ResourceContext, path: string, item: MirrorItem): Promise<ArchivedImage> {
  const size = (await host.files.stat(path))?.size ?? 0;
  const read = (offset: number, length: number) => host.files.readBytes(path, offset, length);
  try {
    const found = await readImageArchive({ size, read }, item.name);
    if (item.imageId === undefined || !found.ids.includes(item.imageId))
      throw new ImageProblem(`its id is ${found.imageId} and not ${item.imageId ?? "said"}`);
    return found;
  } catch (error) {
    if (!(error instanceof ImageProblem)) throw error;
    await host.files.remove(path);
    throw refused(item, error.message, error);
  }
}

/** The id that the Engine has given it. */
async function load(
  { host, clients }: ResourceContext,
  path: string,
  item: MirrorItem,
  { ids, content }: ArchivedImage,
  signal: AbortSignal,
): Promise<string> {
  const { images } = clients.engine;
  try {
    await images.load(host.files.chunks(path), signal);
  } catch (error) {
    signal.throwIfAborted();
    const problem = messageOf(error).slice(0, 300);
    throw new FettleError("gateway.image.load-failed", { image: item.name, problem }, { cause: error });
  }
  const here = await images.inspect(item.name, signal);
  if (here === null) throw refused(item, "the Engine has it under another name");
  if (ids.includes(here.Id.replace(/^sha256:/, ""))) return here.Id;
  // Of a loaded image only the containerd store names a digest, and it is the id.
  const ownManifest = here.RepoDigests?.some((digest) => digest.endsWith(`@${here.Id}`)) === true;
  if (ownManifest && content !== null && contentOfInspection(here) === content) return here.Id;
  await images.remove(item.name);
  throw refused(item, `the Engine calls it ${here.Id}`);
}

function refused({ name }: MirrorItem, problem: string, cause?: unknown): FettleError {
  return new FettleError("gateway.image.archive-refused", { image: name, problem: problem.slice(0, 300) }, { cause });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
