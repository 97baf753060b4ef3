import type { Restored } from "../../admin/restore/restore.ts";
import { time } from "./text.ts";

/** What was restored and what is left to do, in the order of doing it. */
export function restored(done: Restored): string[] {
  const { madeAt, epoch, stacks, nodes, configuration, aside, missing, cancelledTokens } = done;
  const observing = stacks.map(({ stack, revision }) => `${stack} at revision ${revision}`).join(", ");
  return [
    `restored: the coordinator as of ${time(madeAt)}, now epoch ${epoch}`,
    `only observed: ${observing || "no stack"}`,
    ...(nodes.length > 0 ? [`agents that come back by themselves: ${nodes.join(", ")}`] : []),
    ...(cancelledTokens > 0 ? [`enrolment tokens cancelled: ${cancelledTokens}`] : []),
    ...(aside === null ? [] : [`what was here before: ${aside}`]),
    ...configured(configuration),
    ...(missing.length === 0 ? [] : ["missing, being in no backup (fettle mirror add brings them again):"]),
    ...missing.map((name) => `  ${name}`),
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
