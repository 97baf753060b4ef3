import type { CodeFile } from "./code.ts";

/** Codes with which the coordinator ends an agent's connection, or answers about one. */
export const hubCodes = {
  "link.no-hello": {
    severity: "warning",
    cause: "The agent did not say hello within {seconds} s.",
    remedy: "Nothing: it connects again. If it stays, read `journalctl -u fettle-agent` on that machine.",
  },
  "link.hello-first": {
    severity: "critical",
    cause: "The first frame has to be hello; it was {type}.",
    remedy: "Check that both programs are Fettle and of neighbouring versions.",
  },
  "link.flood": {
    severity: "critical",
    cause: "The agent sent far more frames than the {perSecond} a second that it may.",
    remedy: "Read `journalctl -u fettle-agent` on that machine: a loop there, or something else uses its identity.",
  },
  "link.report-too-large": {
    severity: "critical",
    cause: "The agent's report has {bytes} bytes; at most {limit} are taken.",
    remedy: "Read `journalctl -u fettle-agent` on that machine, and update the agent.",
  },
  "link.slow-reader": {
    severity: "warning",
    cause: "The agent does not read what it is sent.",
    remedy: "Nothing: it connects again. If it stays, look at the network between the two machines.",
  },
  "link.replaced": {
    severity: "info",
    cause: "The same machine has opened a newer connection.",
    remedy: "Nothing: the newer one serves.",
  },
  "link.stale": {
    severity: "warning",
    cause: "Nothing came from the agent for {seconds} s.",
    remedy:
      "See whether the machine is up and `systemctl status fettle-agent` is well there, and whether it reaches this port.",
  },
  "link.going-away": {
    severity: "info",
    cause: "The coordinator is stopping.",
    remedy: "Nothing: the agents keep their state and connect again.",
  },
  "link.not-connected": {
    severity: "warning",
    cause: "{node} is not connected.",
    remedy:
      "See whether the machine is up and `systemctl status fettle-agent` is well there, and whether it reaches this coordinator.",
    status: 503,
    retryable: true,
  },
  "link.removed": {
    severity: "warning",
    cause: "This node was removed from the coordinator.",
    remedy: "If it is to come back, run `fettle token create --node NODE` here, then `fettle-agent enrol` there.",
  },
  "link.not-stored": {
    severity: "critical",
    cause: "The coordinator could not store what the agent sent.",
    remedy: "Look at the coordinator's disk and its log; nothing is lost, the agent sends it again.",
    retryable: true,
  },
  "link.fleet-lost": {
    severity: "critical",
    cause: "{gone} of {all} agents went away at once.",
    remedy: "Look at the network and at this coordinator first: the machines themselves are probably well.",
  },
} as const satisfies CodeFile;
