import type { NodePlan, PlannedView } from "@fettle/shared/api/plan.ts";
import type { ResourceView } from "@fettle/shared/api/resources.ts";
import type { Output } from "../output.ts";
import { changeText } from "./changes.ts";
import { cut, size } from "./text.ts";
import { painted } from "./words.ts";

const MAX_WIDTH = 400;

/** A node of a plan: what only a person can do, then each change, what it restarts, downloads and creates. */
export function planLines(plan: NodePlan, out: Output): string[] {
  const { node, outcome, text = "", resources, released } = plan;
  const title = out.paint("bold", node);
  if (outcome === "offline") return [`${title}  not connected: what it would do is unknown`];
  if (outcome === "failed") return [`${title}  could not say: ${text}`];
  const wanted = resources.filter(({ state }) => state !== "in-sync" && state !== "released");
  const gone = released.map((id) => `  ${id}  released: no longer looked after, nothing is deleted`);
  if (wanted.length + gone.length === 0) return [`${title}  nothing to do`];
  return [title, ...wanted.flatMap((resource) => resourceLines(resource, effects(resource), out)), ...gone];
}

/** A resource with its state, its reason and its changes, indented. */
export function resourceLines(resource: ResourceView, extra: readonly string[], out: Output): string[] {
  const { id, state, text, remedy, changes } = resource;
  const first = `  ${id}  ${painted(out, state)}${text === undefined ? "" : `  ${text}`}`;
  const next = state === "blocked" && remedy ? [out.paint("dim", `      ${remedy}`)] : [];
  const details = [...changes.map((change) => cut(changeText(change), MAX_WIDTH)), ...extra];
  return [first, ...next, ...details.map((line) => `      ${line}`)];
}

function effects({ downloadBytes, creates, disturbs, changes }: PlannedView): string[] {
  const lines: string[] = [];
  if (creates !== undefined) lines.push(`creates ${creates}`);
  if (downloadBytes !== undefined)
    lines.push(downloadBytes === null ? "downloads, size not known yet" : `downloads ${size(downloadBytes)}`);
  if (disturbs === "service" && changes.length > 0)
    lines.push("restarts the service, when nobody uses it or after drain");
  return lines;
}

/** What only a person can do, of a whole plan: shown before anything long begins. */
export function blockers(plans: readonly NodePlan[], out: Output): string[] {
  const blocked = plans.flatMap(({ node, resources }) =>
    resources
      .filter(({ state }) => state === "blocked")
      .map((resource) => ({ ...resource, id: `${node}/${resource.id}` })),
  );
  if (blocked.length === 0) return [];
  return [
    out.paint("bold", "Only a person can do"),
    ...blocked.flatMap((resource) => resourceLines(resource, [], out)),
  ];
}

export function downloads(plans: readonly NodePlan[]): string[] {
  const pulls = plans.flatMap(({ node, resources }) =>
    resources
      .filter(({ downloadBytes }) => downloadBytes !== undefined)
      .map(({ id, downloadBytes }) => ({ where: `${node}/${id}`, downloadBytes })),
  );
  return pulls.map(({ where, downloadBytes }) => {
    const much =
      downloadBytes === null || downloadBytes === undefined ? "of a size not known yet" : size(downloadBytes);
    return `  ${where} downloads ${much}`;
  });
}
