import { readFileSync } from "node:fs";
import { roleNamed } from "@fettle/shared/roles/roles.ts";
import { parseStack, type StackSpec } from "@fettle/shared/stack/stack.ts";
import t from "tap";
import { compileNode, compileStack } from "./compile.ts";
import type { CompileInput } from "./role-compiler.ts";
import { trackOf } from "./track.ts";

const EXAMPLE = new URL("../../../../shared/src/stack/example.yaml", import.meta.url);
const example = readFileSync(EXAMPLE, "utf8");

function specOf(...replace: readonly (readonly [string, string])[]): StackSpec {
  const parsed = parseStack(replace.reduce((text, [from, to]) => text.replace(from, to), example));
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.message).join("\n"));
  return parsed.spec;
}

function input(spec: StackSpec, more: Partial<CompileInput> = {}): CompileInput {
  return { spec, track: "18.8", capabilities: new Map(), ...more };
}

t.test("the example's parameters", async (t) => {
  const [gateway, gitlab, ollama] = compileStack(input(specOf()));
  const ollamaProbe = { peer: "ollama-1", host: "172.31.11.27", port: 11434, service: "ollama" };
  const gitlabProbe = { peer: "gitlab-1", host: "gitlab.example.com", port: 443, service: "gitlab" };
  t.same(gateway?.roles, {
    gateway: {
      address: "172.31.11.20",
      image: { kind: "auto", track: "18.8" },
      auth: "jwt",
      platform: false,
      gitlabUrl: "https://gitlab.example.com",
      drainMs: 600_000,
      probes: [gitlabProbe, ollamaProbe],
    },
  });
  t.match(gitlab?.roles, {
    gitlab: {
      token: { kind: "mint", actor: "root" },
      gatewayUrl: "http://172.31.11.20:5052",
      models: [
        { key: "mistral", endpoint: "http://172.31.11.27:11434/v1", identifier: "custom_openai/mistral:instruct" },
      ],
      features: [{ feature: "CODE_COMPLETIONS" }, { feature: "CODE_GENERATIONS" }, { feature: "DUO_CHAT" }],
      probes: [{ peer: "gateway-1", host: "172.31.11.20", port: 5052, service: "gateway" }],
    },
  });
  t.match(ollama?.roles, {
    ollama: { listen: { host: "172.31.11.27", port: 11434 }, version: "any", models: [{ warm: true }], probes: [] },
  });
});

const shapes: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["as it is", []],
  [
    "bypass and the platform",
    [
      ["auth: jwt", "auth: bypass"],
      ["platform: false", "platform: true"],
    ],
  ],
  ["an exact image", [["image: auto", "image: gitlab/model-gateway:self-hosted-v18.8.1-ee"]]],
  [
    "IPv6",
    [
      ["172.31.11.27", '"fd00::27"'],
      ["172.31.11.20", '"fd00::20"'],
    ],
  ],
  ["another port", [["listen: private", "listen: 172.31.11.27:8080"]]],
  [
    "a file for the token, a CA and a timeout",
    [["{ mint: true, actor: root }", "{ file: /etc/t }\n    ca: /etc/ca.pem\n    aiGatewayTimeoutSeconds: 120"]],
  ],
  [
    "all on one node",
    [
      ["node: gateway-1", "node: ollama-1"],
      ["node: gitlab-1", "node: ollama-1"],
    ],
  ],
  ["a feature switched off", [["DUO_CHAT: mistral", "DUO_CHAT: disabled"]]],
];

t.test("what compile makes is what the roles take, whatever the stack says", async (t) => {
  for (const [name, replace] of shapes) {
    for (const node of compileStack(input(specOf(...replace)))) {
      for (const [role, params] of Object.entries(node.roles))
        t.equal(roleNamed(role)?.params.safeParse(params).error?.message, undefined, `${name}: ${node.node} ${role}`);
    }
  }
});

t.test("what is written otherwise but means the same has the same hash", async (t) => {
  const hashes = (spec: StackSpec) => compileStack(input(spec)).map((node) => node.hash);
  const turned = specOf(
    ["      CODE_GENERATIONS: mistral\n", ""],
    ["features:", "features:\n      CODE_GENERATIONS: mistral\n   "],
  );
  t.same(hashes(specOf(["drain: 10m", "drain: 600s"])), hashes(specOf()));
  t.same(hashes(turned), hashes(specOf()));
});

t.test("a change reaches the nodes it concerns and no other", async (t) => {
  const changed = (...replace: readonly (readonly [string, string])[]) => {
    const before = compileStack(input(specOf()));
    return compileStack(input(specOf(...replace))).flatMap((node, i) =>
      node.hash === before[i]?.hash ? [] : [node.node],
    );
  };
  t.same(changed(["warm: true", "warm: false"]), ["ollama-1"]);
  t.same(changed(["DUO_CHAT: mistral", "DUO_CHAT: disabled"]), ["gitlab-1"]);
  t.same(changed(["mode: enforce", "mode: observe"]), [], "the policy travels beside");
  t.same(changed(["repairs: 5", "repairs: 9"]), []);
  t.same(changed(["address: 172.31.11.27", "address: 172.31.11.28"]), ["gateway-1", "gitlab-1", "ollama-1"]);
});

t.test("gates", async (t) => {
  const nodes = compileStack(input(specOf()));
  const gates = Object.fromEntries(nodes.flatMap((node) => node.gates.map((gate) => [gate.resource, gate])));
  const needs = (id: string) => gates[id]?.needs.map((need) => `${need.node}/${need.resource}`);
  t.same(Object.keys(gates).sort(), [
    "gateway.image",
    "gateway.previous",
    "gitlab.answers[mistral]",
    "gitlab.duo-settings",
    "gitlab.model[mistral]",
  ]);
  t.same(needs("gitlab.model[mistral]"), ["ollama-1/ollama.model[mistral:instruct]"]);
  t.same(needs("gitlab.duo-settings"), ["gateway-1/gateway.ready"]);
  t.same(needs("gitlab.answers[mistral]"), [
    "gateway-1/gateway.ready",
    "ollama-1/ollama.model[mistral:instruct]",
    "ollama-1/ollama.warm[mistral:instruct]",
  ]);
  t.same(needs("gateway.previous"), ["gitlab-1/gitlab.answers"]);
  t.match(gates["gateway.image"], { fact: { met: true } });
  t.match(compileNode(input(specOf(), { track: null }), "gateway-1").gates[0], { fact: { met: false } });
  const exact = compileNode(input(specOf(["image: auto", "image: gitlab/model-gateway:x"])), "gateway-1").gates;
  t.same(
    exact.map((gate) => gate.resource),
    ["gateway.previous"],
    "an exact image waits for nobody",
  );
});

t.test("a role that the node's agent does not know is left out", async (t) => {
  const capabilities = new Map([["ollama-1", ["gateway.host"]]]);
  t.match(compileNode(input(specOf(), { capabilities }), "ollama-1"), { roles: {}, unknownRoles: ["ollama"] });
});

t.test("a node that no section names has no role", async (t) => {
  t.same(compileNode(input(specOf()), "stranger").roles, {});
  const shared = compileNode(input(specOf(["node: gateway-1", "node: ollama-1"])), "ollama-1");
  t.same(shared.declared, ["gateway", "ollama"]);
});

t.test("well-formed versions", async (t) => {
  const cases: readonly (readonly [unknown, string | null])[] = [
    ["18.8.2-ee", "18.8"],
    ["19.5.0", "19.5"],
    ["17.9.1-ee.0", "17.9"],
    ["19.5", null],
    ["", null],
    ["18.8.2; rm", null],
    [undefined, null],
    [18.8, null],
  ];
  for (const [version, track] of cases) t.equal(trackOf(version), track, String(version));
});
