import type { LabConfig } from "../config.ts";
import { addressOf } from "../layout.ts";
import { gitlabCa, gitlabName } from "../products/gitlab-host.ts";

/** Where the gateway's machine has the CA of GitLab's certificate, put there as an operator would. */
export const gatewayCaBundle = "/usr/local/share/ca-certificates/gitlab.crt";

export type StackOptions = { contention?: "off" | "on" };

/** The stack file of the documentation, at the lab's addresses. */
export function stackText({ subnet }: LabConfig, { contention = "off" }: StackOptions = {}): string {
  return `apiVersion: fettle.dev/v1
kind: Stack
metadata: { name: duo }
spec:
  environment: evaluation
  mode: enforce
  nodes:
    gitlab-1:  { address: ${addressOf(subnet, "gitlab-1")} }
    gateway-1: { address: ${addressOf(subnet, "gateway-1")} }
    ollama-1:  { address: ${addressOf(subnet, "ollama-1")} }
  gitlab:
    node: gitlab-1
    url: https://${gitlabName}
    ca: ${gitlabCa}
    token: { mint: true, actor: root }
    seats: [root]
    models:
      mistral:
        displayName: Mistral-7B-Instruct-v0.3 in the lab
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
    platform: false
    caBundle: ${gatewayCaBundle}
  modelServers:
    - kind: ollama
      node: ollama-1
      version: any
      listen: private
      env: { OLLAMA_KEEP_ALIVE: "-1", OLLAMA_NO_CLOUD: "1" }
      drain: 10m
      models:
        - { name: "mistral:instruct", warm: true, minGpuPercent: 0 }
${contention === "off" ? "  policy: { contention: off }\n" : ""}`;
}
