import type { Fault, Path } from "../problem.ts";
import { DISABLED } from "../sections/gitlab.ts";
import { withTag } from "../sections/ollama.ts";
import { suggest } from "../suggest.ts";
import type { Check, CheckInput } from "./check.ts";

/** Every name that points at something must point at something that is there. */
export const references: Check = (input) => [...nodeReferences(input), ...modelReferences(input), ...features(input)];

function nodeReferences({ spec, keys }: CheckInput): Fault[] {
  const known = keys(["spec", "nodes"]);
  const uses: [Path, string | undefined][] = [
    [["spec", "gitlab", "node"], spec.gitlab?.node],
    [["spec", "gateway", "node"], spec.gateway?.node],
    ...spec.modelServers.map((server, i): [Path, string] => [["spec", "modelServers", i, "node"], server.node]),
  ];
  return uses.flatMap(([path, name]) =>
    name === undefined || known.includes(name) ? [] : [dangling(path, name, "node", known)],
  );
}

function modelReferences(input: CheckInput): Fault[] {
  const { spec } = input;
  const nodes = serverNodes(input);
  return Object.entries(spec.gitlab?.models ?? {}).flatMap(([key, model]) =>
    model.servedBy.flatMap((node, i) => {
      const base: Path = ["spec", "gitlab", "models", key];
      const server = spec.modelServers.find((candidate) => candidate.node === node);
      if (!nodes.includes(node)) return [dangling([...base, "servedBy", i], node, "model server", nodes)];
      if (server === undefined) return [];
      const known = server.models.map((candidate) => candidate.name);
      if (known.includes(withTag(model.model))) return [];
      return [dangling([...base, "model"], model.model, `model of ${node}`, known)];
    }),
  );
}

/** As written, so that a server with a fault of its own is not missing as well. */
function serverNodes({ keys, written }: CheckInput): readonly string[] {
  const path: Path = ["spec", "modelServers"];
  return keys(path).map((i) => String(written([...path, Number(i), "node"])));
}

function features({ spec, keys }: CheckInput): Fault[] {
  const known = [...keys(["spec", "gitlab", "models"]), DISABLED];
  return Object.entries(spec.gitlab?.features ?? {}).flatMap(([feature, { model }]) =>
    known.includes(model) ? [] : [dangling(["spec", "gitlab", "features", feature], model, "model", known)],
  );
}

function dangling(path: Path, name: string, what: string, known: readonly string[]): Fault {
  const near = suggest(name, known);
  const hint = near === null ? "" : `; did you mean ${near}?`;
  const allowed = known.length === 0 ? `no ${what} is declared` : known.join(", ");
  return {
    code: "stack.dangling",
    path,
    at: "value",
    found: JSON.stringify(name),
    allowed,
    args: { what, name, hint },
  };
}
