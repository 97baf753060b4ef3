import type { CodeFile } from "./code.ts";

/** Codes of the agent's own program and its updates. */
export const updateCodes = {
  "update.unsigned": {
    severity: "warning",
    cause: "The release carries no signature: it is a build without a release key.",
    remedy: "Add a signed release with `fettle mirror add agent`, or install the build by hand with install.sh.",
    status: 422,
  },
  "update.untrusted": {
    severity: "critical",
    cause: "No signature of the release is right and by a key that this machine trusts (signed by {keys}).",
    remedy:
      "Get the release from its maker again. A key of your own goes into /etc/fettle/agent.yaml, policy.releaseKeys, on each machine.",
    status: 422,
  },
  "update.bad-manifest": {
    severity: "critical",
    cause: "The release's manifest is signed but not understood: {problem}.",
    remedy: "Update in smaller steps: the release may be too new for this agent.",
    status: 422,
  },
  "update.wrong-product": {
    severity: "critical",
    cause: "The release is one of {found}, not of the agent.",
    remedy: "Add the agent's archive instead: its name begins with fettle-agent-.",
    status: 422,
  },
  "update.wrong-arch": {
    severity: "critical",
    cause: "The release is for {found}; this machine is {arch}.",
    remedy: "Add the release's archive for {arch} too: `fettle mirror add agent FILE`.",
    status: 422,
  },
  "update.downgrade": {
    severity: "warning",
    cause: "{node} runs {running}, which is newer than {version}: there is no way back by an update.",
    remedy: "Update to a version above {running}.",
    status: 422,
  },
  "update.replayed": {
    severity: "critical",
    cause: "{version} is not newer than {newest}, which this machine has run before.",
    remedy:
      "Update to a version above {newest}. If the machine was set back on purpose, remove /var/lib/fettle-agent/newest-version there first.",
    status: 422,
  },
  "update.too-old": {
    severity: "warning",
    cause: "{version} takes over from {minVersion} at the earliest; this machine runs {running}.",
    remedy: "Update to {minVersion} first.",
    status: 422,
  },
  "update.wire": {
    severity: "critical",
    cause:
      "{version} speaks protocols {oldest} to {newest}; this machine and its coordinator speak {ownOldest} to {own}.",
    remedy: "Update the coordinator first, and then the agents, one version at a time.",
    status: 422,
  },
  "update.no-space": {
    severity: "warning",
    cause: "{folder} has {free} MB free; the update to {version} takes {needed} MB for a moment.",
    remedy: "Make room there, then run `fettle update` again.",
    status: 422,
  },
  "update.fetch-failed": {
    severity: "warning",
    cause: "The archive of {version} could not be fetched from the coordinator: {problem}.",
    remedy:
      "See that `fettle update --status` names a release that the coordinator has, then run `fettle update` again.",
  },
  "update.sum-differs": {
    severity: "critical",
    cause: "The archive of {version} is not the one that was signed: {problem}.",
    remedy: "Add the archive again on the coordinator: `fettle mirror add agent FILE`; then run `fettle update` again.",
    status: 422,
  },
  "update.unpack-failed": {
    severity: "critical",
    cause: "The archive of {version} could not be unpacked: {problem}.",
    remedy: "If the disk is not full, get the release from its maker again; then run `fettle update` again.",
  },
  "update.not-sound": {
    severity: "critical",
    cause: "What was in the archive of {version} is not a program that runs here: {problem}.",
    remedy: "Get the release from its maker again; nothing was changed on the machine.",
  },
  "update.switch-failed": {
    severity: "warning",
    cause: "{version} was ready, but this machine could not be switched to it: {problem}.",
    remedy: "Put right what is said there, then run `fettle update` again; the version before still runs.",
  },
  "update.observing": {
    severity: "info",
    cause: "This machine only observes, so its agent is not updated: {reason}",
    remedy: "Let it act again; the update follows by itself.",
  },
  "update.paused": {
    severity: "info",
    cause: "This machine is paused ({scope}: {reason}), so its agent is not updated now.",
    remedy: "End the pause (`fettle resume`, or `fettle-agent resume` on the machine); the update follows by itself.",
  },
  "update.busy": {
    severity: "info",
    cause: "{resource} is being repaired; the update follows when that is done.",
    remedy: "Nothing: it goes on by itself.",
  },
  "update.crashed": {
    severity: "critical",
    cause: "{version} ended by itself {times} times ({how}), so {from} was put back. Its last words: {said}",
    remedy: "Tell the maker of the release. `fettle update` tries it again, another --version takes another one.",
  },
  "update.not-connected": {
    severity: "critical",
    cause:
      "{version} was not connected to the coordinator and well within {seconds} s ({how}), so {from} was put back. Its last words: {said}",
    remedy:
      "If the coordinator or the network was away, run `fettle update` again; else tell the maker of the release.",
  },
  "update.rebooted": {
    severity: "warning",
    cause: "The machine started {times} times while {version} was being tried, so {from} was put back.",
    remedy: "See why it restarts, then run `fettle update` again.",
  },
  "update.interrupted": {
    severity: "warning",
    cause: "The update to {version} was broken off by something else: {running} runs now.",
    remedy: "Nothing, if the agent was installed by hand; else run `fettle update` again.",
  },
  "update.lost": {
    severity: "critical",
    cause: "{node} was not heard of again after it had begun to update to {version}.",
    remedy: "See whether the machine is up; `journalctl -u fettle-agent-guard` there says more.",
  },
  "update.no-release": {
    severity: "warning",
    cause: "The coordinator has no release {version} of the agent for {arch}; it has {have}.",
    remedy: "Add one: `fettle mirror add agent FILE`.",
    status: 422,
  },
  "update.none": {
    severity: "info",
    cause: "No update was asked for.",
    remedy: "Ask for one: `fettle update`.",
    status: 404,
  },
  "update.halted": {
    severity: "warning",
    cause: "The update to {version} has stopped at {node}: {problem}",
    remedy: "See `fettle update --status`; `fettle update` goes on, `fettle update --cancel` gives it up.",
  },
  "update.no-file": {
    severity: "warning",
    cause: "{path} cannot be used as a release: {problem}.",
    remedy: "Name the .tar.gz; the file of the same name with .manifest at its end has to lie beside it.",
    status: 422,
  },
} as const satisfies CodeFile;
