import { randomUUID } from "node:crypto";
import { startUpdateRoute } from "@fettle/shared/api/update.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { Context } from "../context.ts";
import { steers } from "./handler.ts";
import type { StackView } from "./types.ts";
import { updateViewOf } from "./views/update-view.ts";
import { readStack } from "./which-stack.ts";

type Release = Awaited<ReturnType<Context["releases"]>>[number];

/** State too: who runs what is in the desired state, one node after the other, with a token that is new each time. */
export const startUpdate = steers(
  startUpdateRoute,
  ({ body }, { stack, version }) => ({ stack, what: `update ${version} ${body.nodes?.join(" ") ?? ""}`.trim() }),
  async ({ context, principal, query, body }) => {
    const view = await readStack(context, principal, query.stack);
    const releases = await context.releases();
    const version = body.version ?? newestOf(releases);
    const nodes = nodesMeant(view, version, body.nodes);
    for (const node of nodes) demandRelease(releases, version, archOf(view, node));
    // The newest counts, also when the clock was set back since the last one.
    const at = Math.max(context.clock.now(), (view.update?.row.at ?? 0) + 1);
    const row = {
      token: randomUUID(),
      stack: view.stack,
      version,
      nodes: JSON.stringify(nodes),
      by: principal.who,
      at,
    };
    await context.store.updates.add({ ...row, cancelledAt: null, takenBackAt: null });
    const text = `${principal.who} asked for version ${version} of the agent on ${nodes.length} node(s).`;
    await context.events.record({ stack: view.stack, kind: "update.asked", text, data: { version, nodes } });
    context.reconciler.touchAll(view.stack);
    return must(updateViewOf(await readStack(context, principal, view.stack)), "the update that was just asked for");
  },
);

function newestOf(releases: readonly Release[]): string {
  const [newest] = releases;
  if (newest === undefined)
    throw new FettleError("update.no-release", { version: "at all", arch: "x64", have: "none" });
  return newest.manifest.version;
}

/** Those that are named, or all that ever said hello and run something older. Nobody goes back by an update. */
function nodesMeant(view: StackView, version: string, named: readonly string[] | undefined): readonly string[] {
  const missing = named?.find((node) => !view.rows.has(node));
  if (missing !== undefined) throw new FettleError("api.not-found", { what: `node ${missing}` });
  const all = [...view.rows.keys()].filter((node) => runs(view, node) !== null);
  const meant = [...new Set(named ?? all)].sort();
  const newer = meant.filter((node) => compareVersions(runs(view, node) ?? "0.0.0", version) > 0);
  const [first] = newer;
  if (first !== undefined && (named !== undefined || newer.length === meant.length))
    throw new FettleError("update.downgrade", { node: first, running: runs(view, first) ?? "", version });
  return meant.filter((node) => !newer.includes(node));
}

function runs({ rows, views }: StackView, node: string): string | null {
  return views.get(node)?.report?.agent?.version ?? rows.get(node)?.version ?? null;
}

function archOf({ views }: StackView, node: string): "x64" | "arm64" {
  return views.get(node)?.report?.facts.arch ?? "x64";
}

/** The agents hold the signature against their keys; here it is only seen whether there is one. */
function demandRelease(releases: readonly Release[], version: string, arch: string): void {
  const found = releases.find(({ manifest }) => manifest.version === version && manifest.arch === arch);
  const have = [...new Set(releases.map(({ manifest }) => `${manifest.version} for ${manifest.arch}`))].join(", ");
  if (found === undefined) throw new FettleError("update.no-release", { version, arch, have: have || "none" });
  if (found.signed.signatures.length === 0) throw new FettleError("update.unsigned");
}
