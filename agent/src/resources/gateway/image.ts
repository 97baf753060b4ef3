import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { GatewayImage } from "@fettle/shared/roles/gateway.ts";
import type { Image } from "../../clients/engine/images.ts";
import { parseReference } from "../../clients/image-name.ts";
import type { RegistryProblem } from "../../clients/image-registry.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { type Chosen, choose, keptPin, publishedNow } from "./image-choice.ts";
import { loadImage } from "./image-load.ts";
import { digestIn, pinnedImage, pinTag } from "./image-pin.ts";
import { holdImage, pullImage } from "./image-pull.ts";

interface Observed {
  /** Of the Engine: what it would run. */
  readonly architecture: string;
  readonly pinned: Image | null;
  /** An image under the declared reference that is here already and not yet held. */
  readonly local: Image | null;
  /** What would be pulled; null when nothing needs to be. */
  readonly chosen: Chosen | null;
  readonly freeBytes: number;
  readonly republished: { readonly name: string; readonly pinned: string; readonly now: string } | null;
  readonly digest: string | null;
  readonly name: string | null;
}

/** The image that is to run is on this machine, and stays the one that was chosen. */
export function image(gateway: Gateway): Resource<Observed> {
  const wanted = gateway.params.image;
  return define<Observed>({
    id: "gateway.image",
    declared: wanted,
    after: ["gateway.docker"],
    long: true,
    lookMs: 60_000,
    touches: ["engine:"],
    observe: (ctx, signal) => engineLook(signal, () => observe(ctx, wanted, signal)),
    diff: (observed) => diff(observed, wanted),
    apply: (ctx, _changes, signal, reporter) => apply(ctx, wanted, signal, reporter),
    facts: ({ name, digest }): Readonly<Record<string, string>> => ({
      ...(name === null ? {} : { gatewayImage: name }),
      ...(digest === null ? {} : { gatewayImageDigest: digest }),
    }),
  });
}

const NOTHING = { chosen: null, local: null, freeBytes: 0, republished: null, digest: null, name: null };

async function observe(ctx: ResourceContext, wanted: GatewayImage, signal: AbortSignal): Promise<Observed> {
  const { clients, host, kept, pass } = ctx;
  const { Arch: architecture } = await pass.once("engine:version", () => clients.engine.version(signal));
  const pinned = await pinnedImage(wanted, clients.engine, pass, signal);
  const tag = pinTag(wanted);
  if (tag === null || architecture !== AMD64) return { ...NOTHING, architecture, pinned };
  if (pinned !== null) return { ...NOTHING, architecture, pinned, ...(await known(ctx, tag, pinned, signal)) };
  const local = wanted.kind === "exact" ? await clients.engine.images.inspect(wanted.reference, signal) : null;
  if (local !== null) return { ...NOTHING, architecture, pinned, local };
  const chosen = await choose(host, clients.mirror, kept, wanted, tag, signal);
  const { freeBytes } = await host.files.space(await clients.engine.rootFolder(signal));
  return { ...NOTHING, architecture, pinned, chosen, freeBytes };
}

/** What is known of the image that is held, and whether its tag is another one by now. */
async function known({ host, kept }: ResourceContext, tag: string, held: Image, signal: AbortSignal) {
  const pin = keptPin(kept, tag);
  const name = pin?.name ?? null;
  const digest = pin === null ? null : digestIn(held, pin.repository);
  // What came from an archive is nobody's publication: no registry is asked about it.
  if (pin === null || digest === null || pin.imageId !== undefined) return { name, digest };
  const now = await publishedNow(host, kept, pin, signal);
  const moved = now !== null && now !== digest && now !== pin.published;
  return { name, digest, republished: moved ? { name: pin.name, pinned: digest, now } : null };
}

const AMD64 = "amd64";
/** An image is kept compressed while it is unpacked, and is about three times as large then. */
const UNPACKED = 4;
const SPARE_BYTES = 512 * 1024 * 1024;
const UNKNOWN_BYTES = 350 * 1024 * 1024;

function diff(
  { architecture, pinned, local, chosen, freeBytes, republished }: Observed,
  wanted: GatewayImage,
): Verdict {
  if (wanted.kind === "auto" && wanted.track === null)
    return { kind: "waiting", code: "gateway.image.gitlab-version", args: {} };
  const other = [architecture, pinned?.Architecture, local?.Architecture].find((one) => one && one !== AMD64);
  if (other) return { kind: "blocked", code: "gateway.image.architecture", args: { problem: `found ${other}` } };
  if (pinned) return { kind: "in-sync", findings: findings(republished) };
  const what = wanted.kind === "exact" ? wanted.reference : `self-hosted-v${wanted.track}.*-ee`;
  if (local) return drift([{ what: "image", from: "not held", to: what }], 0);
  if (chosen?.kind === "mirrored") return fromMirror(chosen.item, freeBytes);
  if (chosen?.kind !== "chosen") return unchosen(chosen, wanted, what);
  const { repository, reference, published, bytes } = chosen.choice;
  const needed = (bytes ?? UNKNOWN_BYTES) * UNPACKED + SPARE_BYTES;
  const to = `${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`;
  const changes = [
    { what: "image", from: null, to: published === null || to.includes("@") ? to : `${to}@${published}` },
  ];
  if (needed <= freeBytes) return drift(changes, bytes);
  const args = { image: to, needed: gigabytes(needed), free: gigabytes(freeBytes), problem: "counted before the pull" };
  return { kind: "blocked", code: "gateway.image.disk-full", args, changes };
}

/** Its layers are in the archive as they are unpacked, or compressed. */
function fromMirror({ name, size }: MirrorItem, freeBytes: number): Verdict {
  const changes = [{ what: "image", from: null, to: `${name} from the mirror` }];
  const needed = size * UNPACKED + SPARE_BYTES;
  if (needed <= freeBytes) return drift(changes, size);
  const args = {
    image: name,
    needed: gigabytes(needed),
    free: gigabytes(freeBytes),
    problem: "counted before it is fetched",
  };
  return { kind: "blocked", code: "gateway.image.disk-full", args, changes };
}

function drift(changes: readonly Change[], downloadBytes: number | null): Verdict {
  return { kind: "drift", changes, disturbs: "none", breaking: false, downloadBytes };
}

function findings(moved: Observed["republished"]): ResourceFinding[] {
  if (moved === null) return [];
  return [{ code: "gateway.image.republished", args: { image: moved.name, pinned: moved.pinned, found: moved.now } }];
}

const REFUSALS: Readonly<Record<RegistryProblem, Code>> = {
  name: "gateway.image.registry-name",
  unreachable: "gateway.image.registry-unreachable",
  tls: "gateway.image.registry-tls",
  denied: "gateway.image.denied",
  limited: "gateway.image.rate-limited",
  broken: "gateway.image.registry-broken",
};

function unchosen(
  chosen: Exclude<Chosen, { kind: "chosen" | "mirrored" }> | null,
  wanted: GatewayImage,
  what: string,
): Verdict {
  const changes = [{ what: "image", from: null, to: what }];
  if (chosen?.kind === "not-allowed")
    return { kind: "blocked", code: "policy.mirror", args: { what: chosen.item.name }, changes };
  if (chosen?.kind === "failed") {
    const args: CodeArgs = { image: what, problem: chosen.problem.slice(0, 300) };
    const passes = chosen.why === "limited" || chosen.why === "broken";
    return { kind: passes ? "waiting" : "blocked", code: REFUSALS[chosen.why], args, changes };
  }
  const track = wanted.kind === "auto" ? wanted.track : null;
  if (track !== null) return { kind: "blocked", code: "gateway.image.no-tag", args: { track }, changes };
  return {
    kind: "blocked",
    code: "gateway.image.not-found",
    args: { image: what, problem: "the registry has none" },
    changes,
  };
}

async function apply(
  ctx: ResourceContext,
  wanted: GatewayImage,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { clients, host, kept } = ctx;
  const tag = pinTag(wanted);
  if (tag === null) return;
  const local = wanted.kind === "exact" ? await clients.engine.images.inspect(wanted.reference, signal) : null;
  if (local !== null && wanted.kind === "exact") {
    const { repository } = parseReference(wanted.reference);
    return holdImage(ctx, { tag, name: wanted.reference, repository, published: null }, local);
  }
  const chosen = await choose(host, clients.mirror, kept, wanted, tag, signal);
  if (chosen.kind === "mirrored") return await loadImage(ctx, tag, chosen.item, signal, reporter);
  if (chosen.kind === "not-allowed") throw new FettleError("policy.mirror", { what: chosen.item.name });
  if (chosen.kind === "failed")
    throw new FettleError(REFUSALS[chosen.why], { image: tag, problem: chosen.problem.slice(0, 300) });
  if (chosen.kind === "absent") throw new FettleError("gateway.image.not-found", { image: tag, problem: "it is gone" });
  await pullImage(ctx, tag, chosen.choice, signal, reporter);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
