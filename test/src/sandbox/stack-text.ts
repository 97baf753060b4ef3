import { gitlabUrl, type Layout } from "./layout.ts";

export interface StackOptions {
  readonly contention: "off" | "on";
  readonly drain: string;
  readonly mode?: "observe" | "enforce";
}

/** The stack file that the sandbox applies: the one of the documentation at this sandbox's addresses. */
export function stackText(layout: Layout, { contention, drain, mode = "enforce" }: StackOptions): string {
  const { addresses } = layout;
  return `apiVersion: fettle.dev/v1
kind: Stack
metadata: { name: duo }
spec:
  environment: evaluation
  mode: ${mode}
  nodes:
    gitlab-1: { address: ${addresses["gitlab-1"]} }
    gateway-1: { address: ${addresses["gateway-1"]} }
    ollama-1: { address: ${addresses["ollama-1"]} }
  gitlab:
    node: gitlab-1
    url: ${gitlabUrl(layout)}
    ca: /etc/gitlab/trusted-certs/ca.crt
    token: { mint: true, actor: root }
    seats: [root]
    models:
      mistral:
        displayName: Mistral-7B-Instruct-v0.3 in the sandbox
        family: MISTRAL
        servedBy: [ollama-1]
        model: mistral:instruct
    features:
      CODE_GENERATIONS: mistral
      CODE_COMPLETIONS: mistral
      DUO_CHAT: mistral
  gateway:
    node: gateway-1
    image: auto
    auth: jwt
    caBundle: /usr/local/share/ca-certificates/gitlab.crt
  modelServers:
    - kind: ollama
      node: ollama-1
      version: any
      listen: private
      env: { OLLAMA_KEEP_ALIVE: "-1", OLLAMA_NO_CLOUD: "1" }
      drain: ${drain}
      models:
        - { name: "mistral:instruct", warm: true, minGpuPercent: 0 }
${contention === "off" ? "  policy: { contention: off }\n" : ""}`;
}
