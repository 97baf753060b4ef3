import type { CodeFile } from "./code.ts";

/** Codes of the coordinator's database. */
export const storeCodes = {
  "store.newer": {
    severity: "critical",
    cause: "The database was written by a newer Fettle than this one.",
    remedy: "Start the newer version again, or restore a backup that this version made.",
  },
  "store.migration-failed": {
    severity: "critical",
    cause: "The database could not be brought to this version: migration {migration} failed and left nothing behind.",
    remedy: "Check the disk (space, read-only) and start again; the version before still runs on this database.",
  },
  "store.not-initialised": {
    severity: "critical",
    cause: "There is no coordinator in {folder}.",
    remedy: "Run `fettle coordinator init` on this machine first.",
  },
  "store.not-writable": {
    severity: "critical",
    cause: "The database cannot be written: {problem}.",
    remedy: "Check the disk of the coordinator's data folder (`df -h`, `df -i`): space, inodes, mounted read-only.",
    status: 503,
    retryable: true,
  },
} as const satisfies CodeFile;
