import type { Code } from "@fettle/shared/codes/codes.ts";
import type { RoleName } from "@fettle/shared/roles/roles.ts";
import { firstUseCases } from "./first-use-cases.ts";
import { goodModel } from "./good-params.ts";
import type { HostileCase } from "./hostile-case.ts";

const listen = (host: string) => ({ listen: { host, port: 11434 } });
const model = (name: string) => ({ models: [{ name, warm: true, minGpuPercent: 0 }] });
const endpoint = (url: string) => ({ models: [{ ...goodModel, endpoint: url }] });
const image = (reference: string) => ({ image: { kind: "exact", reference } });
const tokenFile = (path: string) => ({ token: { kind: "file", path } });
const probe = (host: string, port: number, service: string) => ({ probes: [{ peer: "x", host, port, service }] });

const OLLAMA: readonly (readonly [string, Record<string, unknown>, string, Code])[] = [
  ["listen on every IPv4 address", listen("0.0.0.0"), "ollama.drop-in", "policy.listen-everywhere"],
  ["listen on every address by IPv6", listen("::"), "ollama.service", "policy.listen-everywhere"],
  ["listen on a public address", listen("203.0.113.9"), "ollama.drop-in", "policy.address-public"],
  [
    "send the agent's own calls to a stranger",
    listen("198.51.100.7"),
    "ollama.model[mistral:instruct]",
    "policy.address-public",
  ],
  ["listen on another machine's address", listen("172.31.11.99"), "ollama.listening", "policy.listen-elsewhere"],
  ["listen by a name", listen("evil.example"), "ollama.drop-in", "policy.address-shape"],
  ["listen by an octal address", listen("0177.0.0.1"), "ollama.drop-in", "policy.address-shape"],
  ["listen on the metadata service's address", listen("169.254.169.254"), "ollama.drop-in", "policy.address-reserved"],
  [
    "listen with a line of its own for the unit",
    listen('10.0.0.1"\nExecStart=/bin/sh'),
    "ollama.drop-in",
    "policy.address-shape",
  ],
  ["packages installed as root", { driver: "install" }, "ollama.driver", "policy.driver"],
  ["a library loaded into the server", { env: { LD_PRELOAD: "/tmp/x.so" } }, "ollama.drop-in", "policy.env-name"],
  ["another PATH", { env: { PATH: "/tmp" } }, "ollama.service", "policy.env-name"],
  [
    "a proxy that reads the pulls",
    { env: { HTTPS_PROXY: "http://203.0.113.9:3128" } },
    "ollama.drop-in",
    "policy.env-name",
  ],
  ["a remote that prompts go to", { env: { OLLAMA_REMOTES: "evil.example" } }, "ollama.drop-in", "policy.env-name"],
  ["any web page may ask", { env: { OLLAMA_ORIGINS: "*" } }, "ollama.drop-in", "policy.env-name"],
  ["models read from anywhere", { env: { OLLAMA_MODELS: "/root" } }, "ollama.drop-in", "policy.env-name"],
  ["prompts in the journal", { env: { OLLAMA_DEBUG: "2" } }, "ollama.drop-in", "policy.env-name"],
  ["OLLAMA_HOST past the check", { env: { OLLAMA_HOST: "0.0.0.0" } }, "ollama.drop-in", "policy.env-host"],
  [
    "a variable's name with a line break",
    { env: { "OLLAMA_KEEP_ALIVE=1\nUser": "root" } },
    "ollama.drop-in",
    "policy.env-name",
  ],
  [
    "a value that ends the line",
    { env: { OLLAMA_KEEP_ALIVE: '5m"\nUser=root' } },
    "ollama.drop-in",
    "policy.env-value",
  ],
  [
    "a value with a quote",
    { env: { OLLAMA_KEEP_ALIVE: '5m" "LD_PRELOAD=/tmp/x' } },
    "ollama.drop-in",
    "policy.env-value",
  ],
  ["a value with a specifier", { env: { OLLAMA_KEEP_ALIVE: "%h" } }, "ollama.drop-in", "policy.env-value"],
  ["a value with a variable", { env: { OLLAMA_KEEP_ALIVE: "$HOME" } }, "ollama.drop-in", "policy.env-value"],
  ["a value with a backslash", { env: { OLLAMA_KEEP_ALIVE: "5m\\" } }, "ollama.drop-in", "policy.env-value"],
  ["a value with curly quotes", { env: { OLLAMA_KEEP_ALIVE: "“5m”" } }, "ollama.drop-in", "policy.env-value"],
  ["a value with a zero byte", { env: { OLLAMA_KEEP_ALIVE: "5m\0" } }, "ollama.drop-in", "policy.env-value"],
  [
    "a model from a stranger's registry",
    model("205.237.106.117:8443/attacker/m:latest"),
    "ollama.model[205.237.106.117:8443/attacker/m:latest]",
    "policy.model-registry",
  ],
  [
    "a model from hf.co without a local line",
    model("hf.co/a/b:q4"),
    "ollama.warm[hf.co/a/b:q4]",
    "policy.model-registry",
  ],
  [
    "a model over plain http",
    model("http://10.0.0.5/a/b:c"),
    "ollama.model[http://10.0.0.5/a/b:c]",
    "policy.model-name",
  ],
  ["a model's name that climbs", model("a/../../etc/passwd"), "ollama.model[a/../../etc/passwd]", "policy.model-name"],
  ["a model's name with spaces", model("a b"), "ollama.model[a b]", "policy.model-name"],
  [
    "a model in the vendor's cloud",
    model("gpt-oss:120b-cloud"),
    "ollama.model[gpt-oss:120b-cloud]",
    "policy.model-cloud",
  ],
  ["a look at the metadata service", probe("169.254.169.254", 80, "ollama"), "ollama.host", "policy.address-reserved"],
  ["a scan from a role that reaches nothing", probe("172.31.11.1", 22, "gateway"), "ollama.host", "policy.probe"],
];

const GATEWAY: readonly (readonly [string, Record<string, unknown>, string, Code])[] = [
  ["published on every address", { address: "0.0.0.0" }, "gateway.container", "policy.address-reserved"],
  ["published on a public address", { address: "203.0.113.9" }, "gateway.container", "policy.address-public"],
  [
    "published on another machine's address",
    { address: "172.31.11.99" },
    "gateway.container",
    "policy.listen-elsewhere",
  ],
  [
    "an image of a stranger",
    image("evil/model-gateway:self-hosted-v18.8.0-ee"),
    "gateway.image",
    "policy.image-repository",
  ],
  [
    "an image that looks official",
    image("registry.gitlab.com.evil.example/gitlab/model-gateway:1"),
    "gateway.container",
    "policy.image-repository",
  ],
  [
    "an image from a registry of its own",
    image("10.0.0.5:5000/gitlab/model-gateway:1"),
    "gateway.image",
    "policy.image-repository",
  ],
  [
    "another image of the official registry",
    image("registry.gitlab.com/gitlab-org/gitlab-runner:latest"),
    "gateway.image",
    "policy.image-repository",
  ],
  ["an image reference with an option", image("--privileged"), "gateway.image", "policy.image-reference"],
  ["an image without tag or digest", image("gitlab/model-gateway"), "gateway.image", "policy.image-reference"],
  ["an image reference with a path of the API", image("../containers/x:1"), "gateway.image", "policy.image-reference"],
  ["mount the Engine's socket", { caBundle: "/var/run/docker.sock" }, "gateway.container", "policy.path-sensitive"],
  ["mount the shadow file", { caBundle: "/etc/shadow" }, "gateway.container", "policy.path-name"],
  ["mount a private key", { caBundle: "/etc/ssl/private/server.pem" }, "gateway.container", "policy.path-sensitive"],
  ["mount root's home", { caBundle: "/root/.ssh/id_rsa.pem" }, "gateway.container", "policy.path-sensitive"],
  ["mount through a climb", { caBundle: "/usr/share/../../etc/x.pem" }, "gateway.container", "policy.path-shape"],
  ["mount by way of /proc", { caBundle: "/proc/1/root/etc/x.pem" }, "gateway.container", "policy.path-sensitive"],
  ["mount with options", { caBundle: "/usr/local/x.pem:/app:rw" }, "gateway.container", "policy.path-shape"],
  ["mount a relative path", { caBundle: "x.pem" }, "gateway.container", "policy.path-shape"],
  [
    "take tokens of another GitLab by a trick",
    { gitlabUrl: "https://gitlab.example.com@evil.example" },
    "gateway.container",
    "policy.url-shape",
  ],
  ["a GitLab URL that is a file", { gitlabUrl: "file:///etc/passwd" }, "gateway.container", "policy.url-shape"],
  [
    "a GitLab URL with a line break",
    { gitlabUrl: "https://gitlab.example.com\nX: y" },
    "gateway.container",
    "policy.url-shape",
  ],
  [
    "a GitLab at the metadata service",
    { gitlabUrl: "http://169.254.169.254" },
    "gateway.gitlab-reachable",
    "policy.address-reserved",
  ],
  ["a GitLab at a public address", { gitlabUrl: "https://203.0.113.9" }, "gateway.container", "policy.address-public"],
  ["a scan of SSH", probe("172.31.11.27", 22, "ollama"), "gateway.host", "policy.probe"],
  ["a probe of a name", probe("metadata.google.internal", 80, "gitlab"), "gateway.host", "policy.probe"],
  ["a probe of GitLab's other ports", probe("gitlab.example.com", 22, "gitlab"), "gateway.host", "policy.probe"],
];

const GITLAB: readonly (readonly [string, Record<string, unknown>, string, Code])[] = [
  [
    "prompts to a public gateway",
    { gatewayUrl: "https://203.0.113.9:5052" },
    "gitlab.duo-settings",
    "policy.address-public",
  ],
  [
    "prompts to a gateway by name",
    { gatewayUrl: "https://evil.example:5052" },
    "gitlab.duo-settings",
    "policy.host-name",
  ],
  [
    "prompts by a user in the address",
    { gatewayUrl: "http://172.31.11.20:5052@evil.example" },
    "gitlab.duo-settings",
    "policy.url-shape",
  ],
  [
    "prompts to a number for an address",
    { gatewayUrl: "http://3405803785:5052" },
    "gitlab.duo-settings",
    "policy.host-name",
  ],
  [
    "prompts to an IPv4 in IPv6",
    { gatewayUrl: "http://[::ffff:203.0.113.9]:5052" },
    "gitlab.duo-settings",
    "policy.address-reserved",
  ],
  [
    "GitLab's filter opened to the metadata service",
    { gatewayUrl: "http://169.254.169.254:5052" },
    "gitlab.outbound",
    "policy.address-reserved",
  ],
  [
    "GitLab's filter opened to its own database",
    { gatewayUrl: "http://127.0.0.1:5432" },
    "gitlab.outbound",
    "policy.port",
  ],
  [
    "a gateway below a path",
    { gatewayUrl: "http://172.31.11.20:5052/evil" },
    "gitlab.duo-settings",
    "policy.url-shape",
  ],
  ["the platform elsewhere", { platformUrl: "172.31.11.66:50052" }, "gitlab.duo-settings", "policy.url-shape"],
  [
    "the platform with a scheme",
    { platformUrl: "http://evil.example:50052" },
    "gitlab.duo-settings",
    "policy.url-shape",
  ],
  ["a model at the vendor", endpoint("https://api.example.com/v1"), "gitlab.model[mistral]", "policy.host-name"],
  [
    "a model at a public address",
    endpoint("http://203.0.113.9:11434/v1"),
    "gitlab.model[mistral]",
    "policy.address-public",
  ],
  [
    "a model below another path",
    endpoint("http://172.31.11.27:11434/v1/../x"),
    "gitlab.model[mistral]",
    "policy.url-shape",
  ],
  [
    "a model with a query",
    endpoint("http://172.31.11.27:11434/v1?to=evil"),
    "gitlab.model[mistral]",
    "policy.url-shape",
  ],
  ["a model with a fragment", endpoint("http://172.31.11.27:11434/#/v1"), "gitlab.model[mistral]", "policy.url-shape"],
  [
    "a feature mapped to a refused model",
    endpoint("http://203.0.113.9:11434/v1"),
    "gitlab.feature[DUO_CHAT]",
    "policy.address-public",
  ],
  [
    "a model in the vendor's cloud",
    { models: [{ ...goodModel, identifier: "custom_openai/gpt-oss:120b-cloud" }] },
    "gitlab.model[mistral]",
    "policy.model-cloud",
  ],
  [
    "a model's name that climbs",
    { models: [{ ...goodModel, identifier: "custom_openai/../x" }] },
    "gitlab.model[mistral]",
    "policy.model-name",
  ],
  [
    "a name that turns the reading direction",
    { models: [{ ...goodModel, displayName: "Mistral\u202e" }] },
    "gitlab.model[mistral]",
    "policy.text-shape",
  ],
  [
    "a key that ends the resource id",
    { models: [{ ...goodModel, key: "a]\n" }], features: [] },
    "gitlab.model[a]\n]",
    "policy.text-shape",
  ],
  [
    "a feature mapped to nothing",
    { features: [{ feature: "DUO_CHAT", model: "other", policy: "repair" }] },
    "gitlab.feature[DUO_CHAT]",
    "policy.feature-model",
  ],
  ["the token to another address", { url: "https://198.51.100.7" }, "gitlab.token", "policy.address-public"],
  ["the token to a private neighbour", { url: "https://172.31.11.66" }, "gitlab.token", "policy.listen-elsewhere"],
  [
    "the token by a user in the address",
    { url: "https://gitlab.example.com:x@evil.example" },
    "gitlab.token",
    "policy.url-shape",
  ],
  ["the token with a query", { url: "https://gitlab.example.com/?x=" }, "gitlab.ready", "policy.url-shape"],
  ["read the shadow file as a token", tokenFile("/etc/shadow"), "gitlab.token", "policy.token-file"],
  [
    "read GitLab's own secrets as a token",
    tokenFile("/etc/gitlab/gitlab-secrets.json"),
    "gitlab.token",
    "policy.token-file",
  ],
  ["read this policy as a token", tokenFile("/etc/fettle/agent.yaml"), "gitlab.token", "policy.token-file"],
  ["climb out of the token folder", tokenFile("/etc/fettle/../shadow"), "gitlab.token", "policy.path-shape"],
  ["a token from a relative path", tokenFile("etc/fettle/x"), "gitlab.token", "policy.path-shape"],
  ["a CA from /proc", { ca: "/proc/self/environ" }, "gitlab.tls", "policy.path-sensitive"],
  [
    "a CA that is GitLab's private key",
    { ca: "/etc/gitlab/ssl/gitlab.example.com.pem" },
    "gitlab.tls",
    "policy.path-sensitive",
  ],
  ["a user's name with an option", { token: { kind: "mint", actor: "--eval" } }, "gitlab.token", "policy.text-shape"],
  [
    "a user's name with Ruby in it",
    { token: { kind: "mint", actor: 'root"); system("id' } },
    "gitlab.token",
    "policy.text-shape",
  ],
  ["a seat with a line break", { seats: ["root\n"] }, "gitlab.seat[root\n]", "policy.text-shape"],
  ["a probe of the database", probe("127.0.0.1", 5432, "gateway"), "gitlab.host", "policy.probe"],
  ["a probe of a model server from GitLab", probe("172.31.11.27", 11434, "ollama"), "gitlab.host", "policy.probe"],
];

const rows = (role: RoleName, table: typeof OLLAMA): HostileCase[] =>
  table.map(([name, params, id, code]) => ({ name: `${role}: ${name}`, role, params, id, code }));

export const hostileCases: readonly HostileCase[] = [
  ...rows("ollama", OLLAMA),
  ...rows("gateway", GATEWAY),
  ...rows("gitlab", GITLAB),
  ...firstUseCases,
];
