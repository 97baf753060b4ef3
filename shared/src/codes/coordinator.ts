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
  "coordinator.root-away": {
    severity: "warning",
    cause: "The root's key is not on this machine: there is no {path}.",
    remedy: "Nothing was changed. `fettle ca status` says where it stands.",
  },
  "coordinator.root-not-moved": {
    severity: "warning",
    cause: "{path} cannot take or give the root's key: {problem}.",
    remedy: "The key stays where it was. Name another file, or the passphrase that it was encrypted with.",
  },
  "coordinator.issuer-ending": {
    severity: "warning",
    cause: "The coordinator's issuing CA ends in {days} days; after that no certificate is issued or renewed.",
    remedy:
      "Bring the root's key for an hour: `fettle coordinator root import --from FILE`, on the coordinator's machine.",
  },
  "coordinator.root-ending": {
    severity: "warning",
    cause: "The root of the coordinator's CA ends in {days} days; after that no agent believes it.",
    remedy: "Change it while all agents are there: `fettle ca rotate`.",
  },
  "coordinator.rotating": {
    severity: "warning",
    cause: "A rotation of the CA is under way.",
    remedy: "Nothing was changed. Wait until it is done: `fettle ca status`.",
  },
  "coordinator.cannot-listen": {
    severity: "critical",
    cause: "The coordinator cannot listen on {address}: {problem}.",
    remedy: "See what holds it (`ss -ltnp`) and stop that, or change `listen` in coordinator.yaml.",
  },
  "coordinator.no-private-address": {
    severity: "warning",
    cause: "This machine has no private address for the coordinator to listen on (it has: {own}).",
    remedy: "Nothing was changed. Choose one: `--listen ADDRESS`; a public one is taken only when it is named.",
  },
  "coordinator.not-own-address": {
    severity: "warning",
    cause: "{address} is no address of this machine (it has: {own}).",
    remedy:
      "Nothing was changed. Name one of those with `--listen`; a name or address that leads here from outside goes into `--name`.",
  },
  "coordinator.wrong-user": {
    severity: "warning",
    cause: "{path} belongs to user {uid}, and root would leave files in it that the service cannot write.",
    remedy: "Start it as its unit does: `systemctl start fettle-coordinator`.",
  },
} as const satisfies CodeFile;
