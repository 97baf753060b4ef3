import { codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { ROLE_NAMES, roleNamed } from "@fettle/shared/roles/roles.ts";
import t from "tap";
import { allowedProbes } from "./allowed-probes.ts";
import { ollamaArchive } from "./archives.ts";
import type { PolicyFacts } from "./facts.ts";
import { goodFacts, goodGitlab, goodParams } from "./good-params.ts";
import { hostileCases } from "./hostile-cases.ts";
import { defaultPolicy, type LocalPolicy, localPolicy } from "./local-policy.ts";
import { keepPins, readPins } from "./pins.ts";
import { review } from "./review.ts";

t.test("what a usual stack declares is allowed", (t) => {
  for (const role of ROLE_NAMES) {
    must(roleNamed(role), role).params.parse(goodParams[role]);
    t.strictSame([...review(role, goodParams[role], defaultPolicy, goodFacts).refusals], [], role);
  }
  t.end();
});

t.test("everything on loopback, as in the sandbox, is allowed", (t) => {
  const gitlab = {
    ...goodGitlab,
    address: "127.20.0.10",
    url: "https://127.20.0.10:8443",
    gatewayUrl: "http://127.20.0.20:5052",
    platformUrl: "127.20.0.20:50052",
    models: goodGitlab.models.map((model) => ({ ...model, endpoint: "http://127.20.0.27:11434/v1" })),
    probes: [{ peer: "gateway-1", host: "127.20.0.20", port: 5052, service: "gateway" }],
  };
  t.strictSame([...review("gitlab", gitlab, defaultPolicy, goodFacts).refusals], []);
  t.end();
});

t.test(`${hostileCases.length} hostile parameters, each with its code`, (t) => {
  t.ok(hostileCases.length >= 40);
  for (const { name, role, params, facts, id, code } of hostileCases) {
    const { refusals } = review(role, { ...goodParams[role], ...params }, defaultPolicy, { ...goodFacts, ...facts });
    t.equal(refusals.get(id)?.code, code, name);
  }
  t.end();
});

t.test("a refusal leaves no argument of its texts open and shows nothing that a terminal obeys", (t) => {
  for (const { name, role, params, facts, id } of hostileCases) {
    const { refusals } = review(role, { ...goodParams[role], ...params }, defaultPolicy, { ...goodFacts, ...facts });
    const refusal = must(refusals.get(id), name);
    const { cause, remedy } = codes[refusal.code];
    const text = `${render(cause, refusal.args)} ${render(remedy, refusal.args)}`;
    t.notMatch(text, /\{[a-z]+\}/, name);
    t.match(text, /^[\x20-\x7e]+$/, name);
  }
  t.end();
});

t.test("a hostile parameter pins nothing that it is about", (t) => {
  const pinned = ["https://evil", "203.0.113", "198.51.100", "169.254", "api.example"];
  for (const { name, role, params, facts } of hostileCases) {
    const merged: PolicyFacts = { ...goodFacts, ...facts };
    const { pins } = review(role, { ...goodParams[role], ...params }, defaultPolicy, merged);
    const hosts = Object.values(pins).flat().join(" ");
    t.notOk(
      pinned.some((host) => hosts.includes(host)),
      name,
    );
  }
  t.end();
});

const local = (policy: unknown): LocalPolicy => localPolicy.parse(policy);

t.test("a line of agent.yaml allows what it names", (t) => {
  const cases: readonly [string, string, string, LocalPolicy][] = [
    ["ollama", "a variable", "another PATH", local({ ollama: { env: ["PATH"] } })],
    ["ollama", "a registry", "a model from hf.co without a local line", local({ ollama: { registries: ["hf.co"] } })],
    ["gateway", "a range", "published on a public address", local({ privateRanges: ["203.0.113.0/24"] })],
    [
      "gateway",
      "an image",
      "an image from a registry of its own",
      local({ gateway: { images: ["10.0.0.5:5000/gitlab/model-gateway"] } }),
    ],
    ["gateway", "a bundle", "mount root's home", local({ gateway: { caBundles: ["/root/.ssh/id_rsa.pem"] } })],
    ["gitlab", "a token file", "read the shadow file as a token", local({ gitlab: { tokenFiles: ["/etc/shadow"] } })],
    ["gitlab", "a gateway's name", "prompts to a gateway by name", local({ gitlab: { gateways: ["evil.example"] } })],
  ];
  for (const [role, what, name, policy] of cases) {
    const hostile = must(
      hostileCases.find((item) => item.name === `${role}: ${name}`),
      name,
    );
    const params = { ...goodParams[hostile.role], platformUrl: undefined, ...hostile.params };
    const facts = { ...goodFacts, addresses: [] };
    t.equal(review(role, params, policy, facts).refusals.get(hostile.id), undefined, what);
  }
  t.end();
});

t.test("the first use is kept, and what agent.yaml lists counts instead", (t) => {
  const kept = new Map<string, string>();
  const store = {
    get: (resource: string, key: string) => kept.get(`${resource} ${key}`) ?? null,
    set: (resource: string, key: string, value: string) => void kept.set(`${resource} ${key}`, value),
  };
  keepPins(store, review("gitlab", goodGitlab, defaultPolicy, goodFacts).pins);
  const pins = readPins(store);
  t.strictSame(pins, {
    "gitlab.url": ["https://gitlab.example.com"],
    "gitlab.gateway": ["172.31.11.20"],
    "gitlab.model-servers": ["172.31.11.27"],
  });
  const moved = {
    ...goodGitlab,
    gatewayUrl: "http://172.31.11.21:5052",
    platformUrl: "172.31.11.21:50052",
    probes: [],
  };
  const facts = { ...goodFacts, pins };
  t.equal(
    review("gitlab", moved, defaultPolicy, facts).refusals.get("gitlab.duo-settings")?.code,
    "policy.gateway-moved",
  );
  const policy = local({ gitlab: { gateways: ["172.31.11.21"] } });
  t.strictSame([...review("gitlab", moved, policy, facts).refusals], []);
  keepPins(store, review("gitlab", moved, policy, facts).pins);
  t.strictSame(readPins(store)["gitlab.gateway"], ["172.31.11.20"], "a pin that is there stays");
  t.end();
});

t.test("one refused part leaves the rest of the role alone", (t) => {
  const params = { ...goodParams.ollama, env: { LD_PRELOAD: "/tmp/x.so" } };
  const ids = [...review("ollama", params, defaultPolicy, goodFacts).refusals.keys()];
  t.strictSame(ids, ["ollama.drop-in", "ollama.service", "ollama.listening"]);
  t.end();
});

t.test("an unknown role has nothing that could be allowed", (t) => {
  t.strictSame([...review("constructor", {}, defaultPolicy, goodFacts).refusals], []);
  t.end();
});

t.test("only what a role reaches is probed", (t) => {
  const wild = { peer: "x", host: "172.31.11.1", port: 22, service: "ollama" as const };
  const gateway = { ...goodParams.gateway, probes: [...goodParams.gateway.probes, wild] };
  const roles = { gateway, gitlab: goodParams.gitlab, ollama: { ...goodParams.ollama, probes: [wild] } };
  const expected = [...goodParams.gateway.probes, ...goodParams.gitlab.probes];
  t.strictSame(allowedProbes(roles, defaultPolicy), expected);
  t.end();
});

t.test("archives: the vendor's source and a known sum", (t) => {
  t.match(ollamaArchive("0.32.15", "arm64", defaultPolicy), {
    url: "https://github.com/ollama/ollama/releases/download/v0.32.15/ollama-linux-arm64.tar.zst",
    sha256: /^c898/,
  });
  t.equal(ollamaArchive("0.1.0", "x64", defaultPolicy), null);
  const local0 = local({ ollama: { archives: { "0.1.0": { x64: "a".repeat(64) } } } });
  t.equal(ollamaArchive("0.1.0", "x64", local0)?.sha256, "a".repeat(64));
  t.equal(ollamaArchive("0.1.0", "arm64", local0), null);
  const mirror = local({ ollama: { source: "http://10.0.0.5/ollama" } });
  t.match(ollamaArchive("0.32.15", "x64", mirror)?.url, /^http:\/\/10\.0\.0\.5\/ollama\/v0\.32\.15\//);
  t.end();
});
