import type { Fault, Path } from "../problem.ts";
import { pathText } from "../problem.ts";
import { DISABLED } from "../sections/gitlab.ts";
import { endpointOf } from "../sections/model-servers.ts";
import type { Check, CheckInput } from "./check.ts";

interface Named {
  readonly path: Path;
  /** Null is not compared. */
  readonly value: string | null;
}

/** What must be there once only. */
export const duplicates: Check = (input) => [
  ...twice("address", addresses(input)),
  ...twice(
    "node of a model server",
    input.spec.modelServers.map((s, i) => at(["spec", "modelServers", i, "node"], s.node)),
  ),
  ...input.spec.modelServers.flatMap((server, i) =>
    twice(
      "model",
      server.models.map((m, j) => at(["spec", "modelServers", i, "models", j, "name"], m.name)),
    ),
  ),
  ...twice(
    "seat",
    (input.spec.gitlab?.seats ?? []).map((seat, i) => at(["spec", "gitlab", "seats", i], seat.toLowerCase())),
  ),
  ...twice(
    "name in GitLab",
    models(input).map(({ path, name }) => ({ path, value: name })),
  ),
  ...twice(
    "endpoint and identifier",
    models(input).map(({ path, target }) => ({ path, value: target })),
  ),
  ...reservedKey(input),
];

function at(path: Path, value: string): Named {
  return { path, value };
}

function addresses({ spec }: CheckInput): Named[] {
  return Object.entries(spec.nodes).map(([name, node]) => at(["spec", "nodes", name, "address"], node.address));
}

function models({ spec }: CheckInput) {
  return Object.entries(spec.gitlab?.models ?? {}).map(([key, model]) => {
    const server = spec.modelServers.find((candidate) => candidate.node === model.servedBy[0]);
    const endpoint = server === undefined ? null : endpointOf(server, spec.nodes);
    const target = endpoint === null ? null : `${endpoint} ${model.model}`;
    return { path: ["spec", "gitlab", "models", key] as Path, name: model.displayName ?? key, target };
  });
}

function reservedKey({ spec }: CheckInput): Fault[] {
  if (!Object.hasOwn(spec.gitlab?.models ?? {}, DISABLED)) return [];
  const path: Path = ["spec", "gitlab", "models", DISABLED];
  return [{ code: "stack.not-allowed", path, at: "key", found: DISABLED, allowed: "another key: it means no model" }];
}

function twice(what: string, things: readonly Named[]): Fault[] {
  const seen = new Map<string, Path>();
  const faults: Fault[] = [];
  for (const { path, value } of things) {
    if (value === null) continue;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, path);
    else faults.push(duplicate(path, what, value, first));
  }
  return faults;
}

function duplicate(path: Path, what: string, value: string, first: Path): Fault {
  const args = { what, first: pathText(first) };
  return { code: "stack.duplicate", path, at: "value", found: JSON.stringify(value), allowed: `another ${what}`, args };
}
