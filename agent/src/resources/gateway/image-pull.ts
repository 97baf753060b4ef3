import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Image } from "../../clients/engine/images.ts";
import type { Reporter, ResourceContext } from "../resource.ts";
import { type Choice, forgetPin, keepPin, keptPin, type Pinned } from "./image-choice.ts";
import { digestIn, PIN_REPOSITORY } from "./image-pin.ts";
import { pullCode } from "./pull-error.ts";
import { PullProgress } from "./pull-progress.ts";

const STALL_MS = 60_000;
/** A large layer is unpacked without a word. */
const UNPACK_MS = 300_000;
const TRIES = 5;
const STALLED = "no byte came for 60 s";

/** Pulls until the image is here, then holds it under Fettle's tag. A stall is given up and resumed. */
export async function pullImage(
  ctx: ResourceContext,
  tag: string,
  choice: Choice,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { repository, reference, published } = choice;
  const byDigest = reference.startsWith("sha256:");
  const progress = new PullProgress(choice.bytes, () => ctx.host.clock.mono());
  for (let tried = 1; ; tried += 1) {
    const problem = await pullOnce(ctx, choice, progress, signal, reporter);
    signal.throwIfAborted();
    if (problem === null) break;
    reporter.log(`${repository} ${reference}: ${problem}\n`);
    if (problem !== STALLED || tried === TRIES) throw await failure(ctx, tag, choice, problem);
  }
  const here = await ctx.clients.engine.images.inspect(`${repository}${byDigest ? "@" : ":"}${reference}`, signal);
  if (here === null)
    throw new FettleError("gateway.image.pull-failed", argsOf(choice, "it is not there after the pull"));
  const name = byDigest ? keptPin(ctx.kept, tag)?.name : undefined;
  const written = `${repository}${byDigest ? "@" : ":"}${reference}`;
  await holdImage(ctx, { tag, name: name ?? written, repository, published }, here);
}

/** Gives the image the tag of the declaration, and keeps its digest. */
export async function holdImage(ctx: ResourceContext, pin: Omit<Pinned, "digest">, image: Image): Promise<void> {
  await ctx.clients.engine.images.tag(image.Id, PIN_REPOSITORY, pin.tag);
  keepPin(ctx.kept, { ...pin, digest: digestIn(image, pin.repository) });
}

/** null when it ended well, else what it ended with. */
async function pullOnce(
  { clients, host }: ResourceContext,
  { repository, reference }: Choice,
  progress: PullProgress,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<string | null> {
  const stall = new AbortController();
  const quiet = { since: host.clock.mono(), limit: STALL_MS };
  const watchdog = setInterval(() => host.clock.mono() - quiet.since > quiet.limit && stall.abort(), 1_000);
  try {
    const lines = clients.engine.images.pull(repository, reference, AbortSignal.any([signal, stall.signal]));
    for await (const line of lines) {
      if (line.error !== undefined) return line.error;
      quiet.since = host.clock.mono();
      quiet.limit = line.status === "Downloading" ? STALL_MS : UNPACK_MS;
      const now = progress.add(line);
      if (now) reporter.progress(now);
    }
    return null;
  } catch (error) {
    if (signal.aborted) throw error;
    return stall.signal.aborted ? STALLED : messageOf(error);
  } finally {
    clearInterval(watchdog);
  }
}

async function failure(
  { host, clients, kept }: ResourceContext,
  tag: string,
  choice: Choice,
  problem: string,
): Promise<FettleError> {
  const code = pullCode(problem);
  // Where no registry is reached any more, the mirror may have it, which knows no digests.
  const unreached = code === "gateway.image.registry-name" || code === "gateway.image.registry-unreachable";
  const pinned = keptPin(kept, tag);
  if (unreached && clients.mirror.list("gateway").some(({ name }) => name === pinned?.name)) forgetPin(kept);
  // The next look chooses anew: what the registry has thrown away cannot be had again.
  if (code === "gateway.image.not-found" && keptPin(kept, tag) !== null) {
    forgetPin(kept);
    return new FettleError("gateway.image.pinned-gone", argsOf(choice, problem));
  }
  if (code !== "gateway.image.disk-full") return new FettleError(code, argsOf(choice, problem));
  const { freeBytes } = await host.files.space(await clients.engine.rootFolder());
  const free = `${(freeBytes / 1e9).toFixed(1)} GB`;
  return new FettleError(code, { ...argsOf(choice, problem), needed: "more", free });
}

function argsOf({ repository, reference }: Choice, problem: string): { image: string; problem: string } {
  return { image: `${repository} ${reference}`, problem: problem.slice(0, 300) };
}
