import type { CodeFile } from "./code.ts";

/** Codes of the command line itself. */
export const cliCodes = {
  "cli.usage": {
    severity: "warning",
    cause: "The command cannot be understood: {problem}.",
    remedy: "`fettle help` lists the commands, `fettle COMMAND --help` what one takes.",
  },
  "cli.unreachable": {
    severity: "warning",
    cause: "No coordinator answers at {address}: {problem}.",
    remedy:
      "On the coordinator's machine start it (`fettle coordinator start`); from elsewhere log in first (`fettle login URL --pin PIN`), or set FETTLE_URL, FETTLE_TOKEN and FETTLE_CA.",
  },
  "cli.untrusted": {
    severity: "critical",
    cause: "The server at {address} cannot show that it is the coordinator: {problem}.",
    remedy:
      "Check the URL, and that FETTLE_CA is a copy of the coordinator's CA (/var/lib/fettle/pki/ca.pem on its machine); after a change of its CA log in again.",
  },
  "cli.environment": {
    severity: "warning",
    cause: "The environment is not complete: {problem}.",
    remedy:
      "Set FETTLE_URL (https://…), FETTLE_TOKEN and FETTLE_CA together, or none of them on the coordinator's machine.",
  },
  "cli.other-key": {
    severity: "critical",
    cause: "The server at {address} has another key than the pinned one: {shown}. Nothing was sent to it.",
    remedy:
      "Take the pin from the coordinator's own machine (`fettle token create` prints it). If that is the pin, something answers in its place.",
  },
  "cli.bad-login": {
    severity: "warning",
    cause: "The stored login {file} cannot be used: {problem}.",
    remedy: "Log in again (`fettle login URL --pin PIN`), or forget it (`fettle logout`).",
  },
  "cli.bad-answer": {
    severity: "critical",
    cause: "The coordinator's answer cannot be understood: {problem}.",
    remedy: "Check that FETTLE_URL is a coordinator's, and that it and this CLI are of neighbouring versions.",
  },
  "cli.file-unreadable": {
    severity: "warning",
    cause: "{file} cannot be read: {problem}.",
    remedy: "Check the path; `-` reads from standard input.",
  },
  "cli.timeout": {
    severity: "warning",
    cause: "After {time} the stack is still {word}.",
    remedy: "`fettle status` shows what it waits for; `fettle wait --timeout 30m` waits longer.",
  },
  "cli.interrupted": {
    severity: "info",
    cause: "Interrupted.",
    remedy: "Nothing was undone: what was asked for before goes on.",
  },
  "cli.internal": {
    severity: "critical",
    cause: "{problem}.",
    remedy: "This is a fault of Fettle itself: report it with what you did.",
  },
  "cli.no-such-code": {
    severity: "warning",
    cause: "There is no code {code}.{hint}",
    remedy: "`fettle explain` without a code lists them all.",
  },
} as const satisfies CodeFile;
