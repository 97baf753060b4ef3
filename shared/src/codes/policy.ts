import type { CodeFile } from "./code.ts";

const RESTART = "Then run `systemctl restart fettle-agent` there.";
const NEVER = "No line in agent.yaml allows this; declare something else in the stack file.";
const ADD =
  "If that is what you want, add on the machine itself, in /etc/fettle/agent.yaml under `{under}`, the line `{line}`.";

/** What a machine's own policy (/etc/fettle/agent.yaml) refuses, whoever asks for it. */
export const policyCodes = {
  "policy.address-reserved": {
    severity: "critical",
    cause: "{what} is {found}: a reserved address (link-local, metadata service, multicast or every address at once).",
    remedy: NEVER,
  },
  "policy.address-public": {
    severity: "critical",
    cause: "{what} is {found}, which is neither a private nor a loopback address.",
    remedy: `Declare a private address. ${ADD} ${RESTART}`,
  },
  "policy.address-shape": {
    severity: "critical",
    cause: "{what} is {found}, which is not an IP address.",
    remedy: "Declare the node's IP address in the stack file: names are not looked up here.",
  },
  "policy.listen-everywhere": {
    severity: "critical",
    cause: "Ollama was to listen on {found}: on every address of this machine, and it asks nobody for a password.",
    remedy: NEVER,
  },
  "policy.listen-elsewhere": {
    severity: "critical",
    cause: "{what} is {found}, which is not an address of this machine (it has {addresses}).",
    remedy: "Correct the node's address or `listen` in the stack file, or give the machine that address.",
  },
  "policy.env-name": {
    severity: "critical",
    cause: "The environment variable {found} is not on this machine's list for Ollama.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.env-host": {
    severity: "critical",
    cause: "OLLAMA_HOST was given in the environment instead of `listen`.",
    remedy:
      "Set `modelServers[].listen` in the stack file; the coordinator that sent this is not a Fettle of this version.",
  },
  "policy.env-value": {
    severity: "critical",
    cause: "The value of {name} holds a character that a unit file reads as more than text: {found}.",
    remedy: "Use printable ASCII without quotes, %, $ and backslash.",
  },
  "policy.model-name": {
    severity: "critical",
    cause: "{found} is not the name of a model.",
    remedy: "A model is named as in `mistral:instruct`, `someone/model:tag` or `host/someone/model:tag`.",
  },
  "policy.model-registry": {
    severity: "critical",
    cause: "The model {found} comes from the registry {registry}, which this machine does not allow.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.model-cloud": {
    severity: "critical",
    cause: "{found} runs in the vendor's cloud: prompts would leave the house.",
    remedy: "Declare a model that runs on your own model server.",
  },
  "policy.image-repository": {
    severity: "critical",
    cause: "The gateway image {found} is not from one of the official repositories.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.image-reference": {
    severity: "critical",
    cause: "{found} is not an image reference with a tag or a digest.",
    remedy: "Write it as in `registry/path/model-gateway:self-hosted-v18.8.0-ee`.",
  },
  "policy.path-shape": {
    severity: "critical",
    cause: "{what} is {found}, which is not a plain absolute path.",
    remedy: "Give an absolute path without `..`, `.`, doubled slashes or control characters.",
  },
  "policy.path-sensitive": {
    severity: "critical",
    cause: "{what} is {found}, a place where secrets or devices live.",
    remedy: `Copy the file to {suggestion}. ${ADD} ${RESTART}`,
  },
  "policy.path-kind": {
    severity: "critical",
    cause: "{what} is {found}, which is {kind}, not a regular file.",
    remedy: "Put a regular file there (no link), or correct the path in the stack file.",
  },
  "policy.path-name": {
    severity: "critical",
    cause: "{what} is {found}, which does not have the name of a certificate file (.pem, .crt, .cer).",
    remedy: `Give it such a name. ${ADD} ${RESTART}`,
  },
  "policy.token-file": {
    severity: "critical",
    cause: "The token file {found} is not in /etc/fettle, where this agent reads tokens.",
    remedy: `Move it there. ${ADD} ${RESTART}`,
  },
  "policy.url-shape": {
    severity: "critical",
    cause: "{what} is {found}, which is not a plain http or https address of the expected form ({expected}).",
    remedy: NEVER,
  },
  "policy.port": {
    severity: "critical",
    cause: "{what} is {found}, but only port {expected} is expected there.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.gitlab-elsewhere": {
    severity: "critical",
    cause: "The GitLab URL {found} is not that of the GitLab on this machine ({expected}).",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.gitlab-moved": {
    severity: "critical",
    cause: "The GitLab URL names {found}; since its first use here it was {expected}.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.gateway-moved": {
    severity: "critical",
    cause: "GitLab was to send its prompts to the gateway {found}; since the first use here it was {expected}.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.model-server-moved": {
    severity: "critical",
    cause: "The gateway was to send prompts to the model server {found}; since the first use here it was {expected}.",
    remedy: `${ADD} ${RESTART}`,
  },
  "policy.host-name": {
    severity: "critical",
    cause: "{what} names the host {found}: where prompts go must be a literal private address.",
    remedy: `Declare the node's address. ${ADD} ${RESTART}`,
  },
  "policy.text-shape": {
    severity: "critical",
    cause: "{what} is {found}, which holds characters that do not belong there.",
    remedy: "Correct it in the stack file.",
  },
  "policy.feature-model": {
    severity: "critical",
    cause: "The feature {found} is mapped to the model {model}, which this machine was not given.",
    remedy: "Correct the stack file; the coordinator that sent this is not a Fettle of this version.",
  },
  "policy.probe": {
    severity: "critical",
    cause: "A probe of {found} was asked for, which is not a port that this machine's role uses.",
    remedy: "Nothing was probed. The coordinator that sent this is not a Fettle of this version.",
  },
  "policy.driver": {
    severity: "critical",
    cause: "The stack would have the NVIDIA driver installed, and this machine does not allow that.",
    remedy: `If packages may be installed here on the coordinator's word: add on the machine itself, in /etc/fettle/agent.yaml under \`policy.ollama\`, the line \`driver: install\`. Or set \`driver: report\` in the stack. ${RESTART}`,
  },
  "policy.mirror": {
    severity: "critical",
    cause: "{what} is in the coordinator's mirror, and this machine does not take it from there.",
    remedy: `Let the machine reach the internet; or, if the coordinator may give it, add on the machine itself, in /etc/fettle/agent.yaml under \`policy\`, the line \`mirror: true\`. ${RESTART}`,
  },
  "policy.role": {
    severity: "critical",
    cause: "This machine has no rules for the role {found}, so nothing of it is allowed.",
    remedy: "Update the agent on this node.",
  },
} as const satisfies CodeFile;
