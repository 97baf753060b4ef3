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
  },
  "update.bad-manifest": {
    severity: "critical",
    cause: "The release's manifest is signed but not understood: {problem}.",
    remedy: "Update in smaller steps: the release may be too new for this agent.",
  },
} as const satisfies CodeFile;
