import type { CodeFile } from "./code.ts";

/** Codes of `fettle coordinator backup` and `restore`. Whatever they say, nothing of the machine was changed. */
export const backupCodes = {
  "backup.no-passphrase": {
    severity: "warning",
    cause: "No passphrase was given, and a backup is never written or read without one.",
    remedy: "Put it into a file that only you can read and add `--passphrase-file FILE`, or pipe it in.",
  },
  "backup.exists": {
    severity: "warning",
    cause: "{file} is there already.",
    remedy: "Nothing was written. Choose another name, or add --force to replace it.",
  },
  "backup.not-written": {
    severity: "critical",
    cause: "The backup could not be written to {file}: {problem}.",
    remedy:
      "See whether its folder is there, has space (`df -h`) and may be written by you; what was there is as it was.",
  },
  "backup.data-unreadable": {
    severity: "critical",
    cause: "The coordinator's data in {folder} cannot be copied: {problem}.",
    remedy: "Run this as root or as the user that the coordinator runs as, on its machine; see `df -h` for its space.",
  },
  "backup.unsettled": {
    severity: "warning",
    cause: "The folder {folder} changed each time it was copied.",
    remedy: "Something is being renewed or rotated there: try again in a minute.",
    retryable: true,
  },
  "backup.damaged-source": {
    severity: "critical",
    cause: "The coordinator's database is damaged: {problem}.",
    remedy: "No backup was written. Restore the last good one with `fettle coordinator restore`.",
  },
  "backup.unreadable": {
    severity: "critical",
    cause: "{file} cannot be read: {problem}.",
    remedy: "Check the name and who may read it.",
  },
  "backup.not-a-backup": {
    severity: "critical",
    cause: "{file} is no backup of a Fettle coordinator: {problem}.",
    remedy: "Give the file that `fettle coordinator backup` wrote.",
  },
  "backup.wrong-passphrase": {
    severity: "critical",
    cause: "This passphrase does not open {file}.",
    remedy: "Give the passphrase it was made with (an end of line after it does not count). Nothing was changed.",
  },
  "backup.cut": {
    severity: "critical",
    cause: "{file} is not whole: its end is missing.",
    remedy: "Copy it again from where it was made, or take another backup. Nothing was changed.",
  },
  "backup.tampered": {
    severity: "critical",
    cause: "{file} is not as it was written: {problem}.",
    remedy: "Copy it again from where it was made, or take another backup. Nothing was changed.",
  },
  "backup.newer": {
    severity: "critical",
    cause: "{file} was made by a newer Fettle ({version}) than this one ({own}).",
    remedy: "Install version {version} or a later one here, then restore again. Nothing was changed.",
  },
  "backup.no-pki": {
    severity: "critical",
    cause: "{file} was made with --without-ca: the folder pki is not in it.",
    remedy: "Bring the folder pki that was kept apart and add `--pki FOLDER`. Nothing was changed.",
  },
  "backup.other-pki": {
    severity: "critical",
    cause: "{path} is not what the backup's coordinator had: {problem}.",
    remedy: "Give the folder pki that belongs to this backup; with another one no agent would come back.",
  },
  "backup.occupied": {
    severity: "warning",
    cause: "There is a coordinator here already: {path}.",
    remedy: "Nothing was changed. Add --replace to move it aside and put the backup in its place.",
  },
  "backup.running": {
    severity: "warning",
    cause: "A coordinator is running on this machine: {how}.",
    remedy:
      "Stop it first: `systemctl stop fettle-coordinator`, or its container (`docker compose stop`). Nothing was changed.",
  },
  "backup.epoch-too-low": {
    severity: "warning",
    cause: "Epoch {asked} is not above the backup's own ({epoch}).",
    remedy: "Leave --epoch out, or give a number above the one that the agents say they obey.",
  },
  "backup.not-restored": {
    severity: "critical",
    cause: "The backup could not be put into {folder}: {problem}.",
    remedy: "Check who may write there and its space (`df -h`); what was there is as it was.",
  },
} as const satisfies CodeFile;
