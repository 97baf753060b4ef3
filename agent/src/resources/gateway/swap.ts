import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { GATEWAY_CONTAINER, GATEWAY_PORT, PLATFORM_PORT } from "@fettle/shared/roles/gateway.ts";
import type { Container } from "../../clients/engine/container.ts";
import type { Kept, Reporter, ResourceContext } from "../resource.ts";
import { findContainers, isOurs } from "./containers.ts";
import type { Gateway } from "./gateway.ts";
import { keyFailures } from "./key-failures.ts";
import { NEXT, PREVIOUS } from "./names.ts";
import { authAt, deadPorts } from "./probes.ts";
import { orderOf, type Spec } from "./spec.ts";
import { startError } from "./start-error.ts";

/** A swap that was begun: on disk before anything is stopped, gone when it is finished or undone. */
export interface SwapRecord {
  /** Hash of what is being put in. */
  readonly spec: string;
  readonly oldId: string;
  readonly newId: string;
  /** The old one answered when it began: only then is it worth going back to. */
  readonly oldServed: boolean;
  /** Why it is being undone; null while it goes on. */
  readonly undoing: string | null;
}

const SWAP = "swap";
const UNDONE = "undone";
/** The loop keeps the last token of `fettle repair` there. */
const RETRY = "retry";
const STOP_S = 15;
const READY_MS = 120_000;
const LOOK_MS = 500;
const CRASHES = 3;

export function openSwap(kept: Kept): SwapRecord | null {
  return JSON.parse(kept.get(SWAP) ?? "null") as SwapRecord | null;
}

/** What this very container failed with; null when it was not tried, or a person asked to try again. */
export function undoneFor(kept: Kept, { hash }: Spec): string | null {
  const undone = JSON.parse(kept.get(UNDONE) ?? "null") as {
    hash: string;
    retry: string | null;
    problem: string;
  } | null;
  return undone?.hash === hash && undone.retry === kept.get(RETRY) ? undone.problem : null;
}

/** Puts a container made from `spec` in the place of `old`, which is kept aside. */
export async function swap(
  ctx: ResourceContext,
  gateway: Gateway,
  spec: Spec,
  old: Container,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const oldServed = old.State.Status === "running" && (await serves(ctx, old, signal));
  const newId = await ctx.clients.engine.containers.create(NEXT, orderOf(spec)).catch((error: unknown) => {
    throw startError(error, spec);
  });
  const record: SwapRecord = { spec: spec.hash, oldId: old.Id, newId, oldServed, undoing: null };
  ctx.kept.set(SWAP, JSON.stringify(record));
  await finishSwap(ctx, gateway, spec, record, signal, reporter);
}

async function serves({ host }: ResourceContext, { HostConfig }: Container, signal: AbortSignal): Promise<boolean> {
  const address = HostConfig.PortBindings?.[`${GATEWAY_PORT}/tcp`]?.[0]?.HostIp;
  return address !== undefined && (await deadPorts(host.http, { address, platform: false }, signal)).size === 0;
}

/**
 * Goes on with a swap from wherever it stands: each step looks first whether it is done. What cuts users off is never
 * left half done for a signal's sake; only the wait for the new one ends with it.
 */
export async function finishSwap(
  ctx: ResourceContext,
  gateway: Gateway,
  spec: Spec,
  record: SwapRecord,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  if (record.undoing !== null) return undo(ctx, spec, record, record.undoing);
  if (record.spec !== spec.hash) return undo(ctx, spec, record, null);
  const begun = ctx.host.clock.mono();
  try {
    await putInPlace(ctx, spec, record);
    await untilReady(ctx, gateway, record, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (record.oldServed) return undo(ctx, spec, record, problemIn(error));
    ctx.kept.delete(SWAP);
    throw error;
  }
  const seconds = ((ctx.host.clock.mono() - begun) / 1_000).toFixed(1);
  reporter.log(`The container was swapped; the gateway was away for at most ${seconds} s.\n`);
  ctx.kept.delete(SWAP);
  ctx.kept.delete(UNDONE);
}

/** The bare words of a failure, since they become part of another sentence. */
function problemIn(error: unknown): string {
  const { problem } = error instanceof FettleError ? error.args : {};
  return String(problem ?? messageOf(error)).slice(0, 300);
}

async function putInPlace(ctx: ResourceContext, spec: Spec, { oldId, newId }: SwapRecord): Promise<void> {
  const { containers } = ctx.clients.engine;
  const created = await containers.inspect(newId);
  if (created === null) throw new Error("the new container is gone");
  const old = await containers.inspect(oldId);
  if (old !== null) await setAside(ctx, old);
  if (created.Name !== `/${GATEWAY_CONTAINER}`) await containers.rename(newId, GATEWAY_CONTAINER);
  await containers.start(newId).catch((error: unknown) => {
    throw startError(error, spec);
  });
}

/** One that was set aside earlier makes room: the one that just ran is the better one to go back to. */
async function setAside({ clients, pass }: ResourceContext, old: Container): Promise<void> {
  const { containers } = clients.engine;
  if (["running", "paused", "restarting"].includes(old.State.Status)) await containers.stop(old.Id, STOP_S);
  if (old.Name === `/${PREVIOUS}`) return;
  pass.forget("engine:");
  const { previous } = await findContainers(clients.engine, pass, AbortSignal.timeout(10_000));
  if (previous !== null && previous.Id !== old.Id && isOurs(previous)) await containers.remove(previous.Id);
  await containers.rename(old.Id, PREVIOUS);
}

/** Until both ports answer and a token is asked for as declared; throws with what was still missing. */
async function untilReady(ctx: ResourceContext, gateway: Gateway, { newId }: SwapRecord, signal: AbortSignal) {
  const { clock } = ctx.host;
  for (const end = clock.mono() + READY_MS; ; ) {
    const problem = await whatIsMissing(ctx, gateway, newId, signal);
    if (problem === null) return;
    if (clock.mono() >= end) throw new FettleError("gateway.container.not-ready", { problem });
    await clock.sleep(LOOK_MS, signal);
  }
}

async function whatIsMissing(
  { clients, host }: ResourceContext,
  { params }: Gateway,
  id: string,
  signal: AbortSignal,
): Promise<string | null> {
  const found = await clients.engine.containers.inspect(id, signal);
  if (found === null || found.RestartCount >= CRASHES || found.State.Status === "exited") {
    const code = found === null ? "gone" : `ended with ${found.State.ExitCode}`;
    throw new FettleError("gateway.container.not-ready", { problem: `the new container is ${code}` });
  }
  const dead = await deadPorts(host.http, params, signal);
  // A platform that only lacks GitLab's keys is no fault of the new container; it comes up when GitLab does.
  if (dead.size === 1 && dead.has(PLATFORM_PORT)) {
    const { last } = await keyFailures(clients.engine, id, found.State.StartedAt, signal);
    if (last !== null) dead.delete(PLATFORM_PORT);
  }
  if (dead.size > 0) return [...dead].map(([port, why]) => `port ${port}: ${why}`).join("; ");
  const auth = await authAt(host.http, params, signal);
  return auth.kind === (params.auth === "bypass" ? "open" : "asks") ? null : auth.problem;
}

/** Back to the old container. With a reason it is an error that keeps the same from being tried again by itself. */
async function undo(ctx: ResourceContext, spec: Spec, record: SwapRecord, problem: string | null): Promise<void> {
  const { kept } = ctx;
  const { containers } = ctx.clients.engine;
  kept.set(SWAP, JSON.stringify({ ...record, undoing: problem ?? "there is a newer declaration" }));
  const old = await containers.inspect(record.oldId);
  // With nothing to go back to the new one is what there is.
  if (old !== null) {
    await containers.remove(record.newId);
    if (old.Name !== `/${GATEWAY_CONTAINER}`) await containers.rename(old.Id, GATEWAY_CONTAINER);
    if (old.State.Status !== "running") await containers.start(old.Id);
  }
  if (problem !== null) kept.set(UNDONE, JSON.stringify({ hash: record.spec, retry: kept.get(RETRY), problem }));
  kept.delete(SWAP);
  if (problem !== null) throw new FettleError("gateway.container.swap-undone", { problem, image: spec.imageName });
}
