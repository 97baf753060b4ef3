import { readFileSync } from "node:fs";
import { compileStack } from "@fettle/coordinator/reconciler/compile/compile.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { FEATURES, MODEL_FAMILIES } from "@fettle/shared/roles/gitlab.ts";
import { roleNamed } from "@fettle/shared/roles/roles.ts";
import { parseStack, type StackSpec } from "@fettle/shared/stack/stack.ts";
import fc from "fast-check";
import t from "tap";
import { stringify } from "yaml";

const example = readFileSync(new URL("../../../shared/src/stack/example.yaml", import.meta.url), "utf8");

/** Files that are in order: 1 to 4 model servers, GitLab's models spread over them, features on some of those. */
const stacks = fc
  .record({
    servers: fc.integer({ min: 1, max: 4 }),
    together: fc.boolean(),
    families: fc.array(fc.constantFrom(...MODEL_FAMILIES), { minLength: 1, maxLength: 5 }),
    features: fc.uniqueArray(fc.constantFrom(...FEATURES), { maxLength: 6 }),
    warm: fc.boolean(),
    image: fc.constantFrom("auto", "gitlab/model-gateway:self-hosted-v18.8.1-ee"),
    platform: fc.boolean(),
    drain: fc.constantFrom("0s", "90s", "10m", "1h30m"),
  })
  .map(fileOf);

interface Choice {
  readonly servers: number;
  readonly together: boolean;
  readonly families: readonly string[];
  readonly features: readonly string[];
  readonly warm: boolean;
  readonly image: string;
  readonly platform: boolean;
  readonly drain: string;
}

function fileOf({ servers, together, families, features, warm, image, platform, drain }: Choice) {
  const ollama = (i: number) => `ollama-${i % servers}`;
  const list = Array.from({ length: servers }, (_, i) => i);
  const modelsOf = (i: number) =>
    families.flatMap((_, j) => (ollama(j) === ollama(i) ? [{ name: `model-${j}:q4`, warm }] : []));
  const models = families.map((family, j) => [`m${j}`, { family, servedBy: [ollama(j)], model: `model-${j}:q4` }]);
  return {
    apiVersion: "fettle.dev/v1",
    kind: "Stack",
    metadata: { name: "generated" },
    spec: {
      nodes: Object.fromEntries([
        ["gitlab", { address: "10.0.0.1" }],
        ["gateway", { address: "10.0.0.2" }],
        ...list.map((i) => [ollama(i), { address: `10.0.1.${i + 1}` }]),
      ]),
      gitlab: {
        node: "gitlab",
        url: "https://gitlab.example",
        token: { file: "/etc/token" },
        models: Object.fromEntries(models),
        features: Object.fromEntries(
          features.map((feature, i) => [feature, i % 3 === 0 ? "disabled" : `m${i % families.length}`]),
        ),
      },
      gateway: { node: together ? "gitlab" : "gateway", image, platform, drain },
      modelServers: list.map((i) => ({ kind: "ollama", node: ollama(i), drain, models: modelsOf(i) })),
    },
  };
}

/** The same map with its keys in another order, all the way down. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, turned(item)]),
  );
}

function specOf(file: unknown): StackSpec {
  const parsed = parseStack(stringify(file));
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.message).join("\n"));
  return parsed.spec;
}

const compiled = (spec: StackSpec) => compileStack({ spec, track: "18.8", capabilities: new Map() });

t.test("parsing never throws and always says where", async () => {
  const broken = fc.tuple(fc.nat(example.length), fc.nat(40), fc.string({ unit: "binary", maxLength: 20 }));
  const texts = fc.oneof(
    fc.string({ maxLength: 400 }),
    broken.map(([at, length, put]) => example.slice(0, at) + put + example.slice(at + length)),
    fc.json().map((json) => json),
    fc
      .anything()
      .map((value) => safeYaml({ apiVersion: "fettle.dev/v1", kind: "Stack", metadata: { name: "x" }, spec: value })),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseStack(text);
      if (parsed.ok) return true;
      return (
        parsed.problems.length > 0 &&
        parsed.problems.every(({ line, column, message }) => line >= 1 && column >= 1 && message !== "")
      );
    }),
    { numRuns: 1500 },
  );
});

function safeYaml(value: unknown): string {
  try {
    return stringify(value);
  } catch {
    return "";
  }
}

t.test("what is stored, and what compile makes of it, does not hang on the order of keys", async () => {
  fc.assert(
    fc.property(stacks, (file) => {
      const [one, other] = [specOf(file), specOf(turned(file))];
      const hashes = (spec: StackSpec) => compiled(spec).map(({ node, hash, gates }) => [node, hash, hashOf(gates)]);
      return hashOf(one) === hashOf(other) && JSON.stringify(hashes(one)) === JSON.stringify(hashes(other));
    }),
    { numRuns: 150 },
  );
});

t.test("what compile makes is what the roles take, and its gates need what is declared", async () => {
  fc.assert(
    fc.property(stacks, (file) => {
      const nodes = compiled(specOf(file));
      const names = new Set(nodes.map(({ node }) => node));
      for (const { roles, gates } of nodes) {
        for (const [role, params] of Object.entries(roles)) roleNamed(role)?.params.parse(params);
        for (const gate of gates) for (const need of gate.needs) if (!names.has(need.node)) return false;
        if (new Set(gates.map(({ resource }) => resource)).size !== gates.length) return false;
      }
      return true;
    }),
    { numRuns: 150 },
  );
});

t.test("the same stack again changes no hash, after a round through the store", async () => {
  fc.assert(
    fc.property(stacks, (file) => {
      const spec = specOf(file);
      const stored = JSON.parse(JSON.stringify(spec)) as StackSpec;
      return (
        JSON.stringify(compiled(stored).map(({ hash }) => hash)) ===
        JSON.stringify(compiled(spec).map(({ hash }) => hash))
      );
    }),
    { numRuns: 100 },
  );
});
