import type { CodeFile } from "./code.ts";

/** Codes of setting up and starting the coordinator. */
export const coordinatorCodes = {
  "coordinator.exists": {
    severity: "warning",
    cause: "There is a coordinator here already: {path}.",
    remedy: "Nothing was changed. Start it with `fettle coordinator start`, or choose another FETTLE_DATA.",
  },
  "coordinator.bad-config": {
    severity: "critical",
    cause: "The coordinator's configuration is wrong at {where}: {problem}.",
    remedy: "Correct coordinator.yaml or the environment variable, then start again: `fettle coordinator start`.",
  },
  "coordinator.bad-pki": {
    severity: "critical",
    cause: "{path} cannot be used: {problem}.",
    remedy: "Restore the folder pki/ from a backup; without its CA every node has to be enrolled again.",
  },
  "coordinator.exposed": {
    severity: "critical",
    cause: "{path} can be read by others (mode {mode}).",
    remedy:
      "Run `chmod 600 {path}`; if others had access to this machine, set up a new coordinator and enrol the nodes there.",
  },
  "coordinator.cannot-listen": {
    severity: "critical",
    cause: "The coordinator cannot listen on {address}: {problem}.",
    remedy: "See what holds it (`ss -ltnp`) and stop that, or change `listen` in coordinator.yaml.",
  },
} as const satisfies CodeFile;
