/** Bad files as data: a change to the example, and the problems it makes, as `code line:column path`. */
export interface StackCase {
  readonly name: string;
  /** Replaces this text of the example (each must be there) … */
  readonly replace?: readonly (readonly [string, string])[];
  /** … or is the whole file. */
  readonly text?: string;
  readonly problems: readonly string[];
  /** Text that the first problem's message must hold. */
  readonly says?: string;
}

const HEAD = "apiVersion: fettle.dev/v1\nkind: Stack\nmetadata: { name: duo }\n";

export const stackCases: readonly StackCase[] = [
  { name: "an empty file", text: "", problems: ["stack.empty 1:1 "] },
  { name: "only a comment", text: "# nothing\n", problems: ["stack.empty 1:1 "] },
  { name: "a list", text: "- a\n", problems: ["stack.wrong-type 1:1 "], says: "a map" },
  { name: "not YAML", text: "a: [1\nb: 2\n", problems: ["stack.syntax 2:1 "] },
  { name: "two documents", text: "a: 1\n---\nb: 2\n", problems: ["stack.syntax 2:1 "] },
  { name: "the same key twice", text: "a: 1\na: 2\n", problems: ["stack.syntax 2:1 "] },
  { name: "a key that no object can hold", text: "__proto__: 1\n", problems: ["stack.syntax 1:1 "] },
  { name: "an alias without its anchor", text: "a: *b\n", problems: ["stack.syntax 1:4 "] },
  {
    name: "no roles",
    text: `${HEAD}spec:\n  nodes:\n    a: { address: 10.0.0.1 }\n`,
    problems: ["stack.empty 4:1 spec"],
    says: "never means to remove",
  },
  { name: "no spec", text: HEAD, problems: ["stack.missing 1:1 spec"] },
  {
    name: "an unknown key, with what was probably meant",
    replace: [["environment: evaluation ", "enviroment: evaluation "]],
    problems: ["stack.unknown-key 5:3 spec.enviroment"],
    says: "did you mean environment?",
  },
  {
    name: "a key in another spelling",
    replace: [["displayName:", "display_name:"]],
    problems: ["stack.unknown-key 18:9 spec.gitlab.models.mistral.display_name"],
    says: "did you mean displayName?",
  },
  {
    name: "a key far from every other",
    replace: [["  mode: enforce", "  wombat: 1"]],
    problems: ["stack.unknown-key 6:3 spec.wombat"],
    says: "allowed: environment, mode, nodes, gitlab, gateway, modelServers, policy",
  },
  {
    name: "several at once, each with its place",
    replace: [
      ["mode: enforce", "mode: enforced"],
      ["family: MISTRAL", "family: MISTRALL"],
      ["DUO_CHAT: mistral", "DUO_CHAT: mixtral"],
      ["warm: true", 'warm: "yes"'],
    ],
    problems: [
      "stack.not-allowed 6:9 spec.mode",
      "stack.not-allowed 19:17 spec.gitlab.models.mistral.family",
      "stack.dangling 25:17 spec.gitlab.features.DUO_CHAT",
      "stack.wrong-type 39:45 spec.modelServers[0].models[0].warm",
    ],
  },
  {
    name: "a number where text is wanted",
    replace: [['"-1"', "-1"]],
    problems: ["stack.wrong-type 36:33 spec.modelServers[0].env.OLLAMA_KEEP_ALIVE"],
    says: "in quotes",
  },
  {
    name: "a feature that no GitLab has",
    replace: [["DUO_CHAT:", "DUO_CHATS:"]],
    problems: ["stack.unknown-key 25:7 spec.gitlab.features.DUO_CHATS"],
    says: "did you mean DUO_CHAT?",
  },
  {
    name: "a feature's policy",
    replace: [["DUO_CHAT: mistral", "DUO_CHAT: { model: mistral, policy: warn }"]],
    problems: ["stack.not-allowed 25:43 spec.gitlab.features.DUO_CHAT.policy"],
    says: "repair, alert",
  },
  {
    name: "a feature as a list",
    replace: [["DUO_CHAT: mistral", "DUO_CHAT: [mistral]"]],
    problems: ["stack.wrong-type 25:17 spec.gitlab.features.DUO_CHAT"],
  },
  {
    name: "a token in the file is not repeated",
    replace: [["token: { mint: true, actor: root }", "token: glpat-0123456789"]],
    problems: ["stack.wrong-type 14:12 spec.gitlab.token"],
    says: "found a text",
  },
  {
    name: "a token with no consent",
    replace: [["mint: true", "mint: false"]],
    problems: ["stack.not-allowed 14:20 spec.gitlab.token.mint"],
  },
  {
    name: "nodes that are not declared",
    replace: [
      ["node: gateway-1", "node: gatewy-1"],
      ["servedBy: [ollama-1]", "servedBy: [gateway-1]"],
    ],
    problems: ["stack.dangling 20:20 spec.gitlab.models.mistral.servedBy[0]", "stack.dangling 27:11 spec.gateway.node"],
  },
  {
    name: "two servers for one model",
    replace: [["servedBy: [ollama-1]", "servedBy: [ollama-1, ollama-2]"]],
    problems: ["stack.not-allowed 20:19 spec.gitlab.models.mistral.servedBy"],
  },
  {
    name: "a model that its server does not have",
    replace: [["model: mistral:instruct", "model: mistral:instuct"]],
    problems: ["stack.dangling 21:16 spec.gitlab.models.mistral.model"],
    says: "did you mean mistral:instruct?",
  },
  {
    name: "two nodes with one address",
    replace: [["172.31.11.27", "172.31.11.20"]],
    problems: ["stack.duplicate 10:26 spec.nodes.ollama-1.address"],
    says: "the same address as spec.nodes.gateway-1.address",
  },
  {
    name: "two addresses that are one",
    replace: [
      ["172.31.11.20", '"fd00::1"'],
      ["172.31.11.27", '"FD00:0::1"'],
    ],
    problems: ["stack.duplicate 10:26 spec.nodes.ollama-1.address"],
  },
  {
    name: "an address that is a name",
    replace: [["172.31.11.10", "gitlab.example.com"]],
    problems: ["stack.not-allowed 8:26 spec.nodes.gitlab-1.address"],
  },
  {
    name: "two models with one name and one target",
    replace: [
      [
        "    features: ",
        "      second:\n        displayName: Mistral-7B-Instruct-v0.3 on AWS Tokyo\n        family: MISTRAL\n        servedBy: [ollama-1]\n        model: mistral:instruct\n    features: ",
      ],
    ],
    problems: ["stack.duplicate 23:9 spec.gitlab.models.second", "stack.duplicate 23:9 spec.gitlab.models.second"],
  },
  {
    name: "one model twice on a server, the second by its full name",
    replace: [
      [
        '{ name: "mistral:instruct"',
        '{ name: llama3 }\n        - { name: "llama3:latest" }\n        - { name: "mistral:instruct"',
      ],
    ],
    problems: ["stack.duplicate 40:19 spec.modelServers[0].models[1].name"],
  },
  {
    name: "two servers on one node",
    replace: [["  policy:\n", "    - { kind: ollama, node: ollama-1 }\n  policy:\n"]],
    problems: ["stack.duplicate 40:29 spec.modelServers[1].node"],
  },
  {
    name: "an unknown kind of model server",
    replace: [["kind: ollama", "kind: vllm"]],
    problems: ["stack.not-allowed 32:13 spec.modelServers[0].kind"],
  },
  {
    name: "plain http and bypass in production",
    replace: [
      ["environment: evaluation ", "environment: production "],
      ["url: https:", "url: http:"],
      ["auth: jwt", "auth: bypass"],
    ],
    problems: ["stack.plain-http 13:10 spec.gitlab.url", "stack.bypass 29:11 spec.gateway.auth"],
  },
  {
    name: "a URL with a password",
    replace: [["https://gitlab", "https://root:secret@gitlab"]],
    problems: ["stack.not-allowed 13:10 spec.gitlab.url"],
  },
  {
    name: "listening everywhere",
    replace: [["listen: private", "listen: 0.0.0.0:11434"]],
    problems: ["stack.listen 35:15 spec.modelServers[0].listen"],
    says: "every address",
  },
  {
    name: "listening on a public address",
    replace: [["address: 172.31.11.27", "address: 8.8.8.8"]],
    problems: ["stack.listen 10:26 spec.nodes.ollama-1.address"],
    says: "public address",
  },
  {
    name: "listening on loopback, where nobody comes",
    replace: [["listen: private", "listen: 127.0.0.1:11434"]],
    problems: ["stack.listen 35:15 spec.modelServers[0].listen"],
  },
  {
    name: "listening without a port",
    replace: [["listen: private", "listen: 172.31.11.27"]],
    problems: ["stack.not-allowed 35:15 spec.modelServers[0].listen"],
    says: "address:port",
  },
  {
    name: "OLLAMA_HOST by hand",
    replace: [["OLLAMA_NO_CLOUD:", "OLLAMA_HOST:"]],
    problems: ["stack.not-allowed 36:39 spec.modelServers[0].env.OLLAMA_HOST"],
    says: "listen",
  },
  {
    name: "an environment value that a unit file would read otherwise",
    replace: [['OLLAMA_NO_CLOUD: "1"', 'OLLAMA_NO_CLOUD: "%h"']],
    problems: ["stack.not-allowed 36:56 spec.modelServers[0].env.OLLAMA_NO_CLOUD"],
  },
  {
    name: "reserved keys",
    replace: [
      ["  mode: enforce", "  proxy: { url: x }"],
      ["address: 172.31.11.10", "address: 172.31.11.10, expectedOff: true"],
      ["image: auto", "manage: false"],
      ["drain: 10m", "source: mirror"],
    ],
    problems: [
      "stack.not-yet 6:3 spec.proxy",
      "stack.not-yet 8:40 spec.nodes.gitlab-1.expectedOff",
      "stack.not-yet 28:5 spec.gateway.manage",
      "stack.not-yet 37:7 spec.modelServers[0].source",
    ],
  },
  {
    name: "gitlab without its gateway",
    text: `${HEAD}spec:\n  nodes:\n    a: { address: 10.0.0.1 }\n  gitlab:\n    node: a\n    url: https://a.example\n    token: { file: /etc/token }\n`,
    problems: ["stack.incomplete 7:3 spec.gitlab"],
  },
  {
    name: "a path that climbs",
    replace: [["{ mint: true, actor: root }", "{ file: /etc/../root/x }"]],
    problems: ["stack.not-allowed 14:20 spec.gitlab.token.file"],
  },
  {
    name: "contention with zero",
    replace: [["within: 10m", "within: 0s"]],
    problems: ["stack.not-allowed 41:39 spec.policy.contention.within"],
  },
  {
    name: "an image without a tag",
    replace: [["image: auto", "image: gitlab/model-gateway"]],
    problems: ["stack.not-allowed 28:12 spec.gateway.image"],
  },
];
