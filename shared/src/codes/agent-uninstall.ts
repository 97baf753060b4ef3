import type { CodeFile } from "./code.ts";

/** Codes of `fettle-agent uninstall`. */
export const agentUninstallCodes = {
  "agent.uninstall-not-root": {
    severity: "warning",
    cause: "Only root can take the agent off this machine.",
    remedy: "Run `sudo fettle-agent uninstall`.",
  },
  "agent.uninstall-declined": {
    severity: "info",
    cause: "Nothing was removed: the question was not answered with yes.",
    remedy: "Run `fettle-agent uninstall` again, or with --yes to be asked nothing.",
  },
  "agent.uninstall-token": {
    severity: "warning",
    cause: "The GitLab token that Fettle made ({name}) cannot be revoked now: {problem}. Nothing was removed.",
    remedy:
      "Run it again when GitLab answers; or run `fettle-agent uninstall --yes` and revoke the token by hand: {where}.",
  },
  "agent.uninstall-busy": {
    severity: "warning",
    cause: "The agent is in the middle of {what}, and stopping it now could leave that half done.",
    remedy: "Run it again in a few minutes, or with --yes to stop the agent all the same.",
  },
  "agent.uninstall-running": {
    severity: "warning",
    cause: "An agent still answers on {path}, and it was not started by fettle-agent.service.",
    remedy: "End that process, then run `fettle-agent uninstall` again.",
  },
  "agent.uninstall-stuck": {
    severity: "warning",
    cause: "{what} did not go: {problem}.",
    remedy: "Put that right and run `fettle-agent uninstall` again: it goes on where it stopped.",
  },
} as const satisfies CodeFile;
