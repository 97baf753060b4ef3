import type { CodeFile } from "./code.ts";

/** Codes of the HTTP API as such. */
export const apiCodes = {
  "api.unauthenticated": {
    severity: "warning",
    cause: "The request has no valid API token.",
    remedy:
      "Set FETTLE_TOKEN to a token of this coordinator (`fettle token create --api ROLE --name NAME` makes one), or run the command on the coordinator's machine.",
    status: 401,
  },
  "api.forbidden": {
    severity: "warning",
    cause: "This needs the role {needed}; the token has {has}.",
    remedy: "Use a token of that role: an admin makes one with `fettle token create --api {needed} --name NAME`.",
    status: 403,
  },
  "api.not-found": {
    severity: "warning",
    cause: "There is no {what}.",
    remedy: "Check the name: `fettle get nodes` and `fettle get resources` list what there is.",
    status: 404,
  },
  "api.bad-request": {
    severity: "warning",
    cause: "The request cannot be understood: {problem}.",
    remedy: "Check that the CLI and the coordinator are of neighbouring versions.",
    status: 400,
  },
  "api.internal": {
    severity: "critical",
    cause: "The coordinator failed to do this; its log has more under request {request}.",
    remedy: "Read the coordinator's log, then try again.",
    status: 500,
  },
} as const satisfies CodeFile;
