import { goodModel } from "./good-params.ts";
import type { HostileCase } from "./hostile-case.ts";

const endpoint = (url: string) => ({ models: [{ ...goodModel, endpoint: url }] });
const tokenFile = (path: string) => ({ token: { kind: "file", path } });

/** The same again where something on the machine makes the difference. */
export const firstUseCases: readonly HostileCase[] = [
  {
    name: "the gateway moved after its first use",
    role: "gitlab",
    params: { gatewayUrl: "http://172.31.11.66:5052", platformUrl: "172.31.11.66:50052" },
    facts: { pins: { "gitlab.gateway": ["172.31.11.20"] } },
    id: "gitlab.duo-settings",
    code: "policy.gateway-moved",
  },
  {
    name: "a second model server after the first use",
    role: "gitlab",
    params: endpoint("http://172.31.11.66:11434/v1"),
    facts: { pins: { "gitlab.model-servers": ["172.31.11.27"] } },
    id: "gitlab.model[mistral]",
    code: "policy.model-server-moved",
  },
  {
    name: "another GitLab after the first use",
    role: "gitlab",
    params: { url: "https://evil.example" },
    facts: { pins: { "gitlab.url": ["https://gitlab.example.com"] } },
    id: "gitlab.token",
    code: "policy.gitlab-moved",
  },
  {
    name: "the same GitLab without TLS",
    role: "gitlab",
    params: { url: "http://gitlab.example.com" },
    facts: { pins: { "gitlab.url": ["https://gitlab.example.com"] } },
    id: "gitlab.token",
    code: "policy.gitlab-moved",
  },
  {
    name: "another GitLab at the first use, where the local one says its name",
    role: "gitlab",
    params: { url: "https://evil.example" },
    facts: { gitlabHost: "gitlab.example.com" },
    id: "gitlab.token",
    code: "policy.gitlab-elsewhere",
  },
  {
    name: "tokens of another GitLab after the first use",
    role: "gateway",
    params: { gitlabUrl: "https://evil.example" },
    facts: { pins: { "gateway.gitlab": ["https://gitlab.example.com"] } },
    id: "gateway.container",
    code: "policy.gitlab-moved",
  },
  {
    name: "a CA bundle that is a link",
    role: "gateway",
    params: {},
    facts: { paths: { "/usr/local/share/ca-certificates/gitlab.crt": "link" } },
    id: "gateway.container",
    code: "policy.path-kind",
  },
  {
    name: "a token file that is a fifo",
    role: "gitlab",
    params: tokenFile("/etc/fettle/gitlab-token"),
    facts: { paths: { "/etc/fettle/gitlab-token": "fifo" } },
    id: "gitlab.token",
    code: "policy.path-kind",
  },
];
