import type { CodeFile } from "./code.ts";

/** Codes of enrolment and of the agent's identity. */
export const identityCodes = {
  "identity.absent": {
    severity: "critical",
    cause: "This machine is not enrolled.",
    remedy: "On the coordinator's machine run `fettle token create --node NODE`, then `fettle-agent enrol` here.",
  },
  "identity.unreadable": {
    severity: "critical",
    cause: "The identity in {path} cannot be read: {problem}.",
    remedy:
      "Restore the file, or remove it and enrol again: `fettle node remove NODE` and `fettle token create --node NODE` on the coordinator's machine, `fettle-agent enrol` here.",
  },
  "identity.exposed": {
    severity: "critical",
    cause: "{path} can be read by others (mode {mode}).",
    remedy:
      "Run `chmod 600 {path}`; if others had access to this machine, run `fettle node remove NODE` on the coordinator's and enrol it again.",
  },
  "identity.bad-token": {
    severity: "critical",
    cause: "That is not an enrolment token.",
    remedy:
      "Copy the whole line that `fettle token create` printed (fettle1.…); give it in a file, on stdin or in FETTLE_TOKEN.",
    status: 400,
  },
  "identity.ca-mismatch": {
    severity: "critical",
    cause: "{coordinator} showed a CA that is not the one in the token. Nothing secret was sent.",
    remedy:
      "Check the address; if it is right, somebody answers in the coordinator's place, or the token is of another coordinator.",
  },
  "identity.coordinator-unreachable": {
    severity: "critical",
    cause: "{coordinator} cannot be reached for enrolment: {problem}.",
    remedy: "Check the address in /etc/fettle/agent.yaml and that port {port} is open from here.",
    retryable: true,
  },
  "identity.bad-answer": {
    severity: "critical",
    cause: "The answer of {coordinator} is not that of a Fettle coordinator: {problem}.",
    remedy: "Check the address and the versions of both programs.",
  },
  "identity.refused": {
    severity: "critical",
    cause: "{coordinator} refused the enrolment (HTTP {status}): {problem}.",
    remedy: "Make a new token with `fettle token create --node NODE`: each is for one machine and lives an hour.",
  },
  "identity.not-renewed": {
    severity: "warning",
    cause: "{coordinator} gave no new certificate (HTTP {status}): {problem}.",
    remedy:
      "Nothing: it is asked again. `fettle status` on the coordinator's machine says what a person has to decide.",
    retryable: true,
  },
  "identity.certificate-mismatch": {
    severity: "critical",
    cause: "The certificate that came back does not belong to this machine's key: {problem}.",
    remedy: "Nothing was saved. Check the coordinator, then enrol again with a new token.",
  },
  "identity.other-machine": {
    severity: "critical",
    cause: "The identity here was made for another machine: its {what} is {bound}, this machine's is {found}.",
    remedy:
      "Nothing is changed here. If this machine is the node from now on, run `fettle node readmit NODE` on the coordinator's machine; if it is a copy, stop its agent: `systemctl disable --now fettle-agent`.",
  },
  "identity.frozen": {
    severity: "critical",
    cause: "{reason}",
    remedy:
      "Nothing is changed here. On the coordinator's machine run `fettle node readmit NODE`, with `--machine ID` for the machine that is meant.",
  },
  "identity.certificate-ended": {
    severity: "critical",
    cause: "This machine's certificate has run out; the coordinator was asked to let it in again.",
    remedy:
      "On the coordinator's machine run `fettle node readmit NODE`. Until then this machine is kept as last declared.",
  },
  "policy.role-not-enrolled": {
    severity: "critical",
    cause: "This machine was not enrolled for the role {role} (it is {roles}), so nothing of it is done here.",
    remedy:
      "If it is to have that role, run `fettle token create --node NODE --role ROLE…` with all its roles on the coordinator's machine, then `fettle-agent enrol` and `systemctl restart fettle-agent` here.",
  },
} as const satisfies CodeFile;
