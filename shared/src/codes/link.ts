import type { CodeFile } from "./code.ts";

/** Codes of the connection between an agent and its coordinator. */
export const linkCodes = {
  "link.bad-frame": {
    severity: "critical",
    cause: "The peer sent a frame that cannot be read: {problem}.",
    remedy: "Check that both programs are Fettle and of neighbouring versions; the connection is made again by itself.",
    status: 400,
  },
  "link.protocol": {
    severity: "critical",
    cause: "The {peer} speaks protocol {found}; this program speaks {own} and what is one step away, from {oldest} on.",
    remedy: "Update the older of the two ({older}), one version at a time.",
    status: 426,
  },
  "link.fenced": {
    severity: "critical",
    cause:
      "The coordinator says epoch {epoch}, incarnation {incarnation}; this agent has already obeyed epoch {keptEpoch}, incarnation {keptIncarnation}.",
    remedy:
      "Two coordinators claim this stack, or an old one was started again: stop the older one. If this one is right, being a backup that was restored once more: `fettle coordinator restore --from FILE --replace --epoch NUMBER`, above {keptEpoch}.",
  },
  "link.stale-desired": {
    severity: "warning",
    cause:
      "A desired state of generation {generation} came after generation {held} of the same epoch; it was not taken.",
    remedy: "Nothing, if it happens once; else see whether two coordinators use the same database.",
  },
  "link.generation-reused": {
    severity: "critical",
    cause: "Generation {generation} came a second time with other contents; it was not taken.",
    remedy: "See whether two coordinators use the same database, or an old copy of it was put back by hand.",
  },
  "link.hash-mismatch": {
    severity: "critical",
    cause: "The desired state of generation {generation} does not have the hash it says.",
    remedy: "Check that both programs are Fettle and of neighbouring versions.",
  },
  "link.unreachable": {
    severity: "warning",
    cause: "{coordinator} cannot be reached: {problem}.",
    remedy:
      "Check the coordinator, the address in /etc/fettle/agent.yaml and that port {port} is open from here; the agent keeps trying.",
    retryable: true,
  },
  "link.untrusted": {
    severity: "critical",
    cause:
      "{coordinator} did not show the certificate of the coordinator that this agent was enrolled with: {problem}.",
    remedy:
      "Check the address: another program or another coordinator answers there. If the coordinator's CA was rotated while this machine was off: `fettle node remove` and `fettle token create` there, then `fettle-agent enrol` here.",
  },
  "link.refused": {
    severity: "critical",
    cause: "{coordinator} refused this agent's connection (HTTP {status}).",
    remedy: "`fettle get nodes` shows whether this node was removed; the agent keeps trying with the same identity.",
  },
  "link.silent": {
    severity: "warning",
    cause: "Nothing came from the coordinator for {seconds} s.",
    remedy: "Nothing: the connection is made again. If it repeats, a proxy or firewall drops idle connections.",
  },
  "link.timeout": {
    severity: "warning",
    cause: "The coordinator did not do this in time: {what}.",
    remedy: "Nothing: the connection is made again.",
  },
  "link.closed": {
    severity: "info",
    cause: "The coordinator closed the connection ({problem}).",
    remedy: "Nothing: the connection is made again.",
  },
  "link.ask-busy": {
    severity: "info",
    cause: "The agent is still answering a question of the kind {kind}.",
    remedy: "Ask again in a moment.",
    status: 409,
    retryable: true,
  },
  "link.ask-timeout": {
    severity: "warning",
    cause: "The agent could not answer the question of the kind {kind} within {seconds} s.",
    remedy: "Ask again; if it stays, look at the node: `fettle describe NODE`.",
    status: 504,
    retryable: true,
  },
  "link.ask-failed": {
    severity: "warning",
    cause: "The agent could not answer the question of the kind {kind}: {problem}.",
    remedy: "Look at the node: `fettle describe NODE`.",
  },
  "link.answer-too-large": {
    severity: "warning",
    cause: "The answer to the question of the kind {kind} is larger than a frame.",
    remedy: "Ask for less, as in fewer lines.",
  },
} as const satisfies CodeFile;
