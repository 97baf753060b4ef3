import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { INSTALL_ARCHIVE_PATH, INSTALL_SCRIPT_PATH } from "@fettle/shared/api/install.ts";
import { byteRange } from "@fettle/shared/lib/byte-range.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import { type ReleaseManifest, releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { askedHost } from "./asked-host.ts";
import { fillIn } from "./install-script.ts";

type Release = Awaited<ReturnType<Context["releases"]>>[number];

/** The install script and the agent's archives: nothing in them is secret, and what fetches them has no token yet. */
export function registerInstall(app: FastifyInstance, context: Context): void {
  app.get(INSTALL_SCRIPT_PATH, async (request, reply) => {
    const script = await installScript(context, request.headers.host);
    return await reply.type("text/x-shellscript; charset=utf-8").header("cache-control", "no-store").send(script);
  });
  app.get(`${INSTALL_ARCHIVE_PATH}:name`, async (request, reply) => await sendArchive(context, request, reply));
}

/** Throws `install.bad-host` or `install.no-release`. */
async function installScript(context: Context, host: string | undefined): Promise<string> {
  const { host: asked, port } = askedHost(host);
  const releases = inOrder(await context.releases(), await context.store.updates.takenBackVersions());
  if (releases.length === 0)
    throw new FettleError("install.no-release", { folders: context.releaseFolders.join(", ") });
  const template = await readFile(join(context.config.share, "deploy/install.sh"), "utf8");
  const { pki, hub } = context;
  return fillIn(template, {
    host: asked,
    apiPort: port,
    agentPort: hub.port,
    pin: pki.serverPin,
    coordinatorName: pki.coordinatorName,
    releases,
  });
}

/** Newest first, and last what a machine took back: a new machine has no version before to go back to. */
export function inOrder(releases: readonly Release[], takenBack: ReadonlySet<string>): readonly ReleaseManifest[] {
  const rank = ({ version }: ReleaseManifest) => Number(takenBack.has(version));
  return releases.map(({ manifest }) => manifest).sort((a, b) => rank(a) - rank(b));
}

/** A whole archive, or from where a download broke. */
async function sendArchive(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { name } = request.params as { name: string };
  const release = (await context.releases()).find(({ manifest }) => releaseArchiveName(manifest) === name);
  const size = release === undefined ? null : await sizeOf(release.path);
  if (release === undefined || size === null)
    throw new FettleError("install.unknown-archive", { name: printable(name).slice(0, 100) });
  const range = byteRange(request.headers.range, size);
  reply.header("accept-ranges", "bytes").type("application/gzip");
  if (range === "none") return await reply.code(416).header("content-range", `bytes */${size}`).send();
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range !== null) reply.code(206).header("content-range", `bytes ${start}-${end}/${size}`);
  return await reply.header("content-length", end - start + 1).send(createReadStream(release.path, { start, end }));
}

async function sizeOf(path: string): Promise<number | null> {
  return await stat(path).then(
    (found) => found.size,
    () => null,
  );
}
