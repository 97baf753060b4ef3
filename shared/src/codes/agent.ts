import type { CodeFile } from "./code.ts";

/** Codes that any resource or the agent itself can carry. */
export const agentCodes = {
  "agent.observe-failed": {
    severity: "warning",
    cause: "{resource} could not be looked at: {problem}.",
    remedy:
      "Nothing: Fettle looks again by itself. If it stays, read the agent's journal on the machine: `journalctl -u fettle-agent`.",
  },
  "agent.in-transit": {
    severity: "info",
    cause: "{what} is {state}.",
    remedy: "Nothing: Fettle looks again in a second and does not act on a state in transit.",
  },
  "agent.not-settled": {
    severity: "warning",
    cause: "The repair ran, but {resource} is still not as declared after {seconds} s.",
    remedy: "Fettle tries again, later each time; `fettle describe NODE/ID` shows what still differs.",
  },
  "agent.apply-failed": {
    severity: "warning",
    cause: "The repair of {resource} failed: {problem}.",
    remedy: "Fettle tries again, later each time; `fettle logs NODE/ID` shows what it did.",
  },
  "agent.journal-unwritable": {
    severity: "critical",
    cause: "The agent's journal cannot be used ({problem}), so nothing is changed.",
    remedy: "Free space on the disk that holds /var/lib/fettle-agent; Fettle tries again by itself.",
  },
  "agent.interrupted": {
    severity: "info",
    cause: "The agent ended while this run was in phase {phase}.",
    remedy: "Nothing: the resource was looked at again after the start.",
  },
  "agent.aborted": {
    severity: "info",
    cause: "The run was given up because {why}.",
    remedy: "Nothing: the newer declaration or the pause decides what comes next.",
  },
  "agent.gated": {
    severity: "info",
    cause: "{resource} waits for {fact}.",
    remedy: "Nothing, if {fact} is under way; `fettle status` shows how that stands.",
  },
  "agent.gate-stuck": {
    severity: "warning",
    cause: "{resource} has waited 10 minutes for {fact}, and nothing there is being repaired.",
    remedy: "`fettle status` shows how {fact} stands; once that is in sync, this goes on by itself.",
  },
  "agent.after": {
    severity: "info",
    cause: "{resource} comes after {before}, which is not in sync yet.",
    remedy: "Nothing, if {before} is being repaired; else look at it: `fettle describe NODE/{before}`.",
  },
  "agent.in-line": {
    severity: "info",
    cause: "{resource} waits for its turn: {running} of its kind are at work.",
    remedy: "Nothing: it starts when one of them has ended.",
  },
  "agent.busy": {
    severity: "info",
    cause: "The repair would cut {connections} running request(s); it waits up to {drain} for a quiet moment.",
    remedy: "Nothing; `fettle describe NODE/ID` shows what would change.",
  },
  "agent.observing": {
    severity: "info",
    cause: "The stack is in mode observe: Fettle reports this difference and changes nothing.",
    remedy:
      "When you want Fettle to repair it, set `spec.mode: enforce` in the stack file and run `fettle apply -f FILE`.",
  },
  "agent.paused": {
    severity: "info",
    cause: "Paused {scope} by {by}: {reason}.",
    remedy: "When you are done, run `fettle resume '{scope}'`.",
  },
  "agent.paused-here": {
    severity: "info",
    cause: "Paused on the machine itself ({what}): {reason}.",
    remedy: "When you are done, run `fettle-agent resume '{scope}'` on that machine.",
  },
  "agent.contended": {
    severity: "critical",
    cause:
      "Somebody else sets {what} back to {value} each time, where {wanted} is declared: Fettle repaired it {repairs} times and has stopped.",
    remedy:
      "Find what writes it (a cron job, a configuration tool, a person), stop that, then run `fettle repair NODE/ID`.",
  },
  "agent.no-coordinator": {
    severity: "warning",
    cause: "The coordinator has been away for more than 24 hours: Fettle only restarts what is down.",
    remedy: "Bring the coordinator back; the agent connects by itself.",
  },
  "agent.too-old": {
    severity: "critical",
    cause: "This agent does not understand the parameters it was given: {problem}.",
    remedy: "Update the agent on this machine; until then the last accepted state stays in force.",
  },
  "agent.desired-not-kept": {
    severity: "critical",
    cause: "The desired state could not be taken: {problem}.",
    remedy:
      "Look at the disk of /var/lib/fettle-agent and the agent's journal; the last accepted state stays in force.",
  },
  "agent.not-answered": {
    severity: "warning",
    cause: "The agent does not answer this question: {what}.",
    remedy: "Ask for what the stack declares for this node, or update the agent.",
  },
  "agent.failed-backoff": {
    severity: "warning",
    cause: "{problem} The next try is in {seconds} s.",
    remedy:
      "`fettle logs NODE/ID` and `fettle describe NODE/ID` show why; `fettle repair NODE/ID` tries again at once.",
  },
  "agent.host-small-disk": {
    severity: "warning",
    cause: "The disk for {folder} has {found}; the role {role} wants {wanted} in production.",
    remedy: "Enlarge the disk before production; for an evaluation it may do.",
  },
  "agent.host-small-memory": {
    severity: "warning",
    cause: "This machine has {found} of memory; the role {role} wants {wanted} in production.",
    remedy: "Choose a larger machine before production; for an evaluation it may do.",
  },
  "agent.host-unsupported": {
    severity: "critical",
    cause: "This machine cannot run the role: {problem}.",
    remedy: "Use a Linux machine with systemd.",
  },
} as const satisfies CodeFile;
