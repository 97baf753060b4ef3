import type { CodeFile } from "./code.ts";

/** Codes of the agent's own configuration and of its command line. */
export const agentLocalCodes = {
  "agent.config-absent": {
    severity: "critical",
    cause: "There is no {path}.",
    remedy:
      "Write it with the coordinator's address, as in `coordinators: [172.31.11.5]`, owned by root with mode 0600.",
  },
  "agent.config-exposed": {
    severity: "critical",
    cause: "{path} is what this machine allows, and others may change or read it (owner {owner}, mode {mode}).",
    remedy: "Run `chown root:root {path} && chmod 600 {path}`.",
  },
  "agent.config-invalid": {
    severity: "critical",
    cause: "{path} is wrong at {where}: {problem}.",
    remedy:
      "Correct it, then run `systemctl restart fettle-agent`; no agent runs on a file that it does not understand.",
  },
  "agent.env-invalid": {
    severity: "critical",
    cause: "The environment variable {name} is {found}: {problem}.",
    remedy: "Correct or unset it.",
  },
  "agent.desired-unreadable": {
    severity: "warning",
    cause: "The stored desired state {path} cannot be read: {problem}.",
    remedy: "Nothing: the coordinator sends it again, and until then the agent changes nothing.",
  },
  "agent.not-running": {
    severity: "critical",
    cause: "The agent does not answer on {path}: {problem}.",
    remedy: "See `systemctl status fettle-agent`, and run this command as root.",
  },
  "agent.local-bad-call": {
    severity: "warning",
    cause: "That call to the agent is wrong: {problem}.",
    remedy: "Run `fettle-agent --help`.",
    status: 400,
  },
  "agent.local-failed": {
    severity: "warning",
    cause: "The agent could not answer: {problem}.",
    remedy: "Read the agent's journal: `journalctl -u fettle-agent`.",
    status: 500,
  },
  "agent.no-such-resource": {
    severity: "warning",
    cause: "There is no resource {found} on this machine.",
    remedy: "Check the name: `fettle-agent status` lists what there is.",
    status: 404,
  },
  "agent.usage": {
    severity: "warning",
    cause: "{problem}.",
    remedy: "Run `fettle-agent --help`.",
  },
} as const satisfies CodeFile;
