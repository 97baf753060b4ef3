import type { Restored } from "../../admin/restore/restore.ts";
import { time } from "./text.ts";

/** What was restored and what is left to do, in the order of doing it. */
export function restored({ madeAt, epoch, stacks, nodes, configuration, aside, cancelledTokens }: Restored): string[] {
  const observing = stacks.map(({ stack, revision }) => `${stack} at revision ${revision}`).join(", ");
  return [
    `restored: the coordinator as of ${time(madeAt)}, now epoch ${epoch}`,
    `only observed: ${observing || "no stack"}`,
    ...(nodes.length > 0 ? [`agents that come back by themselves: ${nodes.join(", ")}`] : []),
    ...(cancelledTokens > 0 ? [`enrolment tokens cancelled: ${cancelledTokens}`] : []),
    ...(aside === null ? [] : [`what was here before: ${aside}`]),
    ...configured(configuration),
    "not in a backup: the agents' releases and mirrored files (fettle mirror add brings them again)",
    "next: stop the old coordinator if it still runs, then start this one (systemctl start fettle-coordinator);",
    "      fettle status; fettle diff; then fettle apply -f FILE with mode: enforce",
  ];
}

function configured({ state, path }: Restored["configuration"]): string[] {
  if (state === "restored")
    return [`configuration: ${path}, from the backup: see that it names this machine's addresses`];
  if (state === "kept") return [`configuration: this machine's own stays; the backup's is ${path}`];
  return [];
}
