import type { CodeFile } from "./code.ts";

const NEXT = "Correct the file and check it with `fettle plan -f FILE`; `fettle schema` lets your editor complete it.";

/** Codes of the stack file. `{path}`, `{found}` and `{allowed}` are always there. */
export const stackCodes = {
  "stack.syntax": {
    severity: "critical",
    cause: "The file is not YAML that Fettle reads: {problem}.",
    remedy: NEXT,
    status: 422,
  },
  "stack.empty": {
    severity: "critical",
    cause: "The stack declares {found}; allowed: {allowed}. An empty stack never means to remove everything.",
    remedy: "Declare what the stack is to be; to stop Fettle, run `fettle pause --reason TEXT`.",
    status: 422,
  },
  "stack.unknown-key": {
    severity: "critical",
    cause: "{path}: there is no key {key} here{hint} (allowed: {allowed}).",
    remedy: NEXT,
    status: 422,
  },
  "stack.not-yet": {
    severity: "critical",
    cause: "{path}: the key {key} is reserved for a later version of Fettle.",
    remedy: "Take it out of the file; this version does nothing with it.",
    status: 422,
  },
  "stack.missing": {
    severity: "critical",
    cause: "{path} is missing; it takes {allowed}.",
    remedy: NEXT,
    status: 422,
  },
  "stack.wrong-type": {
    severity: "critical",
    cause: "{path}: found {found}, allowed: {allowed}.",
    remedy: NEXT,
    status: 422,
  },
  "stack.not-allowed": {
    severity: "critical",
    cause: "{path}: found {found}, allowed: {allowed}.",
    remedy: NEXT,
    status: 422,
  },
  "stack.dangling": {
    severity: "critical",
    cause: "{path}: there is no {what} {name}{hint} (declared: {allowed}).",
    remedy: "Declare it, or name one that is declared.",
    status: 422,
  },
  "stack.duplicate": {
    severity: "critical",
    cause: "{path}: the same {what} as {first} ({found}).",
    remedy: "Give one of the two another value, or take it out.",
    status: 422,
  },
  "stack.incomplete": {
    severity: "critical",
    cause: "{path}: {one} needs {other}, which the stack does not declare.",
    remedy: "Declare both, or neither: GitLab is told the gateway's address and the gateway verifies GitLab's tokens.",
    status: 422,
  },
  "stack.plain-http": {
    severity: "critical",
    cause: "{path}: {found} sends tokens and code in the clear; allowed: {allowed}.",
    remedy: "Give GitLab a certificate and write https, or declare `environment: evaluation`.",
    status: 422,
  },
  "stack.bypass": {
    severity: "critical",
    cause: "{path}: auth bypass lets everybody who reaches the port use the gateway; allowed: {allowed}.",
    remedy: "Write `auth: jwt`, or declare `environment: evaluation`.",
    status: 422,
  },
  "stack.listen": {
    severity: "critical",
    cause: "{path}: {found} is no place for a model server to listen: {why}; allowed: {allowed}.",
    remedy: "Declare the node's private address, and `listen: private`.",
    status: 422,
  },
  "stack.moved": {
    severity: "warning",
    cause: "The stack is at revision {revision}; your change was made on revision {base}.",
    remedy: "See what the stack is now (`fettle get stack`) and who changed it (`fettle get audit`), then apply again.",
    status: 409,
  },
  "stack.invalid": {
    severity: "critical",
    cause: "The stack file has {count} problem(s).",
    remedy: NEXT,
    status: 422,
  },
  "stack.absent": {
    severity: "warning",
    cause: "No stack has been applied yet.",
    remedy: "Write a stack file and run `fettle apply -f FILE`.",
    status: 404,
  },
} as const satisfies CodeFile;
