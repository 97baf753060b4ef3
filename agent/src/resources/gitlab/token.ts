import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { TokenSelf } from "../../clients/gitlab/tokens.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext } from "../resource.ts";
import { accessWith, type Gitlab, LOOK_MS, stateOf } from "./gitlab.ts";
import { heldToken, keepToken, mintedFor } from "./held-token.ts";
import { mintToken } from "./mint.ts";
import { lifeOf, MINT, type TokenFound, tokenVerdict } from "./token-verdict.ts";

const DAY_MS = 86_400_000;
const MINTED_DAYS = 90;
/** GitLab takes no longer one by default. */
const LONGEST_DAYS = 365;

/** A token of an administrator that works, with more than a third of its life left. It never leaves this machine. */
export function token(gitlab: Gitlab): Resource<TokenFound> {
  const { token: declared, url } = gitlab.params;
  return define<TokenFound>({
    id: "gitlab.token",
    declared: { declared, url },
    after: ["gitlab.ready", "gitlab.writable"],
    everyMs: gitlab.pollMs,
    lookMs: LOOK_MS,
    touches: ["gitlab:"],
    observe: (ctx, signal) => observe(ctx, gitlab, signal),
    diff: (found) => tokenVerdict(found, declared),
    apply: (ctx, changes, signal, reporter) => apply(ctx, gitlab, changes, signal, reporter),
    facts: ({ version }): Readonly<Record<string, string>> => (version ? { gitlabVersion: version } : {}),
  });
}

async function observe(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<TokenFound> {
  const { host, kept, approved } = ctx;
  const held = await ctx.pass.once("gitlab:held-token", () => heldToken(host.files, gitlab));
  const self = held.token === null ? null : await selfOf(ctx, gitlab, signal);
  const works = self?.kind === "good" ? await stateOf(ctx, gitlab, signal).catch(ifRejected) : null;
  const needed = held.token === null || self?.kind === "bad";
  const mints = gitlab.params.token.kind === "mint" && needed;
  return {
    held,
    self,
    user: works?.user ?? null,
    version: works?.version ?? null,
    mintedFor: kept.get("minted"),
    refusal: kept.get("refusal"),
    approved,
    runner: mints ? (await host.exec.find("gitlab-rails")) !== null : true,
    freeBytes: mints ? (await host.metrics.load()).memoryAvailableBytes : Number.POSITIVE_INFINITY,
    now: host.clock.now(),
  };
}

async function selfOf(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<TokenSelf> {
  const held = await ctx.pass.once("gitlab:held-token", () => heldToken(ctx.host.files, gitlab));
  return ctx.clients.gitlab.tokenSelf(await accessWith(ctx, gitlab, held.token), signal);
}

/** GraphQL takes no token without the scopes api or read_api; `self` has said which ones this one has. */
function ifRejected(error: unknown): null {
  if (error instanceof FettleError && error.code === "gitlab.token.rejected") return null;
  throw error;
}

async function apply(
  ctx: ResourceContext,
  gitlab: Gitlab,
  changes: readonly Change[],
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  if (changes.some(({ what }) => what === MINT)) await mint(ctx, gitlab, signal, reporter);
  else await rotate(ctx, gitlab, signal);
}

async function mint(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal, reporter: Reporter): Promise<void> {
  const { host, kept } = ctx;
  const { token: declared } = gitlab.params;
  if (declared.kind !== "mint") throw new Error("impossible: a token is made only with the stack's consent");
  const { actor } = declared;
  const from = mintedFor(actor);
  // An approval is used up by this try; what it allowed stays allowed until a token is there.
  kept.delete("minted");
  kept.delete("refusal");
  reporter.progress({ text: "gitlab-rails makes a token; it takes up to a minute" });
  const expiresAt = day(host.clock.now() + MINTED_DAYS * DAY_MS);
  try {
    const made = await mintToken(host, { actor, expiresAt, remember: gitlab.remember }, signal, reporter);
    await keepToken(host.files, gitlab, from, made);
    kept.set("minted", actor);
  } catch (error) {
    if (error instanceof FettleError && needsPerson(error.code))
      kept.set("refusal", JSON.stringify({ actor, code: error.code, args: error.args }));
    throw error;
  }
}

/** Trying these again would load GitLab for a minute each time, for nothing. */
function needsPerson(code: string): boolean {
  return code === "gitlab.token.actor-unknown" || code === "gitlab.token.mint-refused";
}

/** Before it is asked for, that a token can be written here is proved; after it, it is written before all else. */
async function rotate(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<void> {
  const { host, clients } = ctx;
  const held = await heldToken(host.files, gitlab);
  const token = must(held.token, "the token to rotate");
  const asking = await accessWith(ctx, gitlab, token);
  // A token that was rotated already is revoked with its whole line when it is rotated again.
  const self = await clients.gitlab.tokenSelf(asking, signal);
  if (self.kind !== "good")
    throw new FettleError("gitlab.token.rotate-failed", { problem: `the token is ${self.why}` });
  await keepToken(host.files, gitlab, held.from, token);
  // It ends when a day begins, so a part of a day counts as one: else each rotation would shorten its life.
  const days = Math.min(Math.ceil((lifeOf(self) ?? MINTED_DAYS * DAY_MS) / DAY_MS), LONGEST_DAYS);
  const rotated = await clients.gitlab.rotateToken(asking, day(host.clock.now() + days * DAY_MS), signal);
  await keepToken(host.files, gitlab, held.from, rotated.token);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
