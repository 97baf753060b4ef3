import type { CodeFile } from "./code.ts";

/** Codes with which the coordinator refuses an enrolment or an agent's certificate. */
export const enrolmentCodes = {
  "identity.token-other-ca": {
    severity: "warning",
    cause: "The enrolment token was made by another coordinator.",
    remedy: "Make a token on this coordinator: `fettle token create --node NODE`.",
    status: 403,
  },
  "identity.token-unknown": {
    severity: "warning",
    cause: "The enrolment token is not known here.",
    remedy:
      "Copy the whole line that `fettle token create` printed, or make a new token: `fettle token create --node NODE`.",
    status: 403,
  },
  "identity.token-expired": {
    severity: "warning",
    cause: "The enrolment token for {node} has run out.",
    remedy: "Make a new one: `fettle token create --node {node}`.",
    status: 403,
  },
  "identity.token-used": {
    severity: "critical",
    cause: "The enrolment token for {node} was used already, by {by}.",
    remedy:
      "Run `fettle node remove {node}`, then make a new token: `fettle token create --node {node}`. If you did not use the first one, find out who did.",
    status: 409,
  },
  "identity.token-other-instance": {
    severity: "critical",
    cause: "The enrolment token for {node} is for the instance {instance}; {other} came with it.",
    remedy:
      "Make a new one for that machine: `fettle token create --node {node}`. If it was not you who used it there, find out who has it.",
    status: 403,
  },
  "identity.bad-key": {
    severity: "warning",
    cause: "The public key in the request is not an EC P-256 key.",
    remedy: "Enrol with fettle-agent of this version; it makes the key itself.",
    status: 400,
  },
  "identity.proof-wrong": {
    severity: "critical",
    cause: "The request is not signed by the key that it brings.",
    remedy: "Enrol with fettle-agent of this version; if this repeats, something changes the request on its way.",
    status: 403,
  },
  "identity.node-exists": {
    severity: "warning",
    cause: "{node} is enrolled already.",
    remedy:
      "If that machine is gone or was set up anew, run `fettle node remove {node}`, then `fettle token create --node {node}`; else choose another name. To give the machine other roles, name them all: `--role`.",
    status: 409,
  },
  "identity.node-taken": {
    severity: "warning",
    cause: "{node} belongs to another stack of this coordinator.",
    remedy: "Choose another name for this node, in the stack file too.",
    status: 409,
  },
  "identity.rate-limited": {
    severity: "warning",
    cause: "Too many enrolments from this address; the next is looked at in {seconds} s.",
    remedy: "Wait, then try again.",
    status: 429,
    retryable: true,
  },
  "identity.unknown": {
    severity: "critical",
    cause: "The certificate is of this CA, but the coordinator does not know it.",
    remedy: "Enrol the machine again: `fettle token create --node NODE` here, then `fettle-agent enrol` there.",
    status: 403,
  },
  "identity.revoked": {
    severity: "critical",
    cause: "The certificate of {node} was revoked.",
    remedy:
      "If the node is to come back, run `fettle token create --node {node}` here, then `fettle-agent enrol` there.",
    status: 403,
  },
  "identity.superseded": {
    severity: "critical",
    cause: "{node} was enrolled again since this certificate was issued.",
    remedy:
      "Two machines hold an identity of {node}: stop the agent on the one that is not meant (`systemctl disable --now fettle-agent`).",
    status: 403,
  },
  "identity.expired": {
    severity: "critical",
    cause: "The certificate of {node} has run out.",
    remedy: "Its agent asks to be let in again by itself; then run `fettle node readmit {node}`.",
    status: 403,
  },
  "identity.not-expired": {
    severity: "info",
    cause: "The certificate of {node} has not run out by this coordinator's clock.",
    remedy: "Check the clock of that machine; its agent goes on with the certificate that it has.",
    status: 409,
  },
  "identity.nonce-old": {
    severity: "info",
    cause: "The request to be let in again came too late.",
    remedy: "Nothing: the agent asks again within minutes.",
    status: 409,
    retryable: true,
  },
  "identity.no-certificate": {
    severity: "critical",
    cause: "The request came without a client certificate.",
    remedy: "Only enrolled agents may talk to this port; the operator's API is on the other one.",
    status: 401,
  },
  "identity.duplicate": {
    severity: "critical",
    cause: "Several machines use the identity of {node}: {machines}. None of them changes anything.",
    remedy:
      "A machine was probably cloned with its identity. Say which one is right: `fettle node readmit {node} --machine ID`. On the copy remove /var/lib/fettle-agent and enrol it under its own name.",
    status: 409,
  },
  "identity.replaced": {
    severity: "warning",
    cause: "Another machine is {node} now, as a person has said.",
    remedy: "Stop the agent on this machine: `systemctl disable --now fettle-agent`.",
    status: 403,
  },
  "identity.moved": {
    severity: "critical",
    cause: "{node} was enrolled on {bound} and now comes from {found}. It changes nothing there.",
    remedy: "If that machine is the node from now on, run `fettle node readmit {node}`; else stop its agent.",
    status: 409,
  },
  "identity.readmission-asked": {
    severity: "critical",
    cause: "{node} asks to be let in again: its certificate ran out. It asks from {machines}.",
    remedy: "If that is the machine you know, run `fettle node readmit {node}`.",
    status: 409,
  },
  "identity.readmitting": {
    severity: "warning",
    cause: "{node} may take a new certificate on {machine}; it has not yet.",
    remedy: "Nothing: its agent does it within minutes, once it is up and reaches this coordinator.",
  },
  "identity.nothing-to-readmit": {
    severity: "warning",
    cause: "{node} does not ask for anything.",
    remedy:
      "A node whose certificate has run out asks by itself within minutes, once its agent runs and reaches this coordinator: `systemctl status fettle-agent` there.",
    status: 409,
  },
  "identity.which-machine": {
    severity: "warning",
    cause: "{node} can be one of these machines: {machines}.",
    remedy: "Say which: `fettle node readmit {node} --machine ID`, with one of these ids.",
    status: 409,
  },
} as const satisfies CodeFile;
