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
    remedy: "Correct it in coordinator.yaml or in the environment variable that it names, then start again.",
  },
  "coordinator.bad-pki": {
    severity: "critical",
    cause: "{path} cannot be used: {problem}.",
    remedy: "Restore the folder pki/ from a backup; without its CA every node has to be enrolled again.",
  },
  "coordinator.exposed": {
    severity: "critical",
    cause: "{path} can be read by others (mode {mode}).",
    remedy: "Run `chmod 600 {path}`; if others had access to this machine, make a new CA and enrol the nodes again.",
  },
  "coordinator.cannot-listen": {
    severity: "critical",
    cause: "The coordinator cannot listen on {address}: {problem}.",
    remedy: "See what holds it (`ss -ltnp`), or change `listen` in coordinator.yaml.",
  },
} as const satisfies CodeFile;
