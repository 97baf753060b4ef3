import type { CodeFile } from "./code.ts";

/** Codes of what a person asks the coordinator to do, and of what it finds when it looks at a whole stack. */
export const steerCodes = {
  "stack.which": {
    severity: "warning",
    cause: "The coordinator holds several stacks: {stacks}.",
    remedy: "Name one of them, as in `fettle status --stack NAME`.",
    status: 400,
  },
  "stack.no-name": {
    severity: "warning",
    cause: "No stack has been applied yet, so a node's stack must be named.",
    remedy: "Run `fettle apply -f FILE` first, or name the stack with --stack.",
    status: 400,
  },
  "stack.node-taken": {
    severity: "critical",
    cause: "The node {node} belongs to another stack of this coordinator.",
    remedy: "Give the node another name, or run `fettle node remove {node}` if it is the same machine.",
    status: 409,
  },
  "stack.observing": {
    severity: "warning",
    cause: "The stack is in mode observe, in which nothing is repaired.",
    remedy: "Set `spec.mode: enforce` in the stack file and run `fettle apply -f FILE`, then try again.",
    status: 409,
  },
  "stack.paused": {
    severity: "warning",
    cause: "{where} is paused: {reason}.",
    remedy: "Run `fettle resume '{scope}'` first.",
    status: 409,
  },
  "stack.nothing-to-approve": {
    severity: "warning",
    cause: "{where} waits for nobody's word: it is {state}.",
    remedy: "`fettle describe '{where}'` shows what it needs.",
    status: 409,
  },
  "stack.no-roles": {
    severity: "warning",
    cause: "The stack declares no role for {node}, so the token would be good for nothing.",
    remedy:
      "Name them (`fettle token create --node {node} --role ROLE`), or declare the node in the stack file and apply that first.",
    status: 400,
  },
  "stack.never-seen": {
    severity: "warning",
    cause: "{node} has never enrolled.",
    remedy: "Run `fettle token create --node {node}` here, then `fettle-agent enrol` on the machine.",
  },
  "stack.uninstalled": {
    severity: "warning",
    cause: "The agent was uninstalled on {node}; what it kept there is as it left it.",
    remedy:
      "To have it back, run `fettle token create --node {node}`; else take the node out of the stack file, apply that, and run `fettle node remove {node}`.",
  },
  "stack.disconnected": {
    severity: "warning",
    cause: "{node} is not connected: what it reported last is not known to be true any more.",
    remedy: "See whether the machine is up, and read `systemctl status fettle-agent` there.",
  },
  "stack.behind": {
    severity: "info",
    cause: "{node} has not taken over generation {generation} yet.",
    remedy: "Nothing, while it is connected: it takes it over by itself.",
  },
  "stack.rejected": {
    severity: "critical",
    cause: "{node} refused what was declared for it: {reason}.",
    remedy: "Update the agent on that machine; until then its last accepted state stays in force.",
  },
  "stack.role-unknown": {
    severity: "critical",
    cause: "The agent on {node} is too old for the role {role}; nothing of that role is looked after there.",
    remedy: "Update the agent on that machine.",
  },
  "stack.address-differs": {
    severity: "warning",
    cause: "{node} has not the address {declared} that the stack declares; it has {found}.",
    remedy: "Correct the address in the stack file and run `fettle apply -f FILE`; Fettle never changes it by itself.",
  },
  "stack.image-behind": {
    severity: "warning",
    cause: "GitLab is {version} now; the gateway's image was settled as {track} at the last apply.",
    remedy: "Run `fettle apply -f FILE` to move the gateway to GitLab's version.",
  },
  "stack.port-refused": {
    severity: "warning",
    cause: "{node} cannot reach {peer} at {host}:{port}: {result}.",
    remedy: "Check what listens there and every firewall between the two machines.",
  },
} as const satisfies CodeFile;
