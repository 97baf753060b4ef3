import type { UpdateView } from "@fettle/shared/api/update.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Output } from "../output.ts";
import { table } from "./text.ts";

/** A line per node, in the order in which they come. */
export function updateLines({ version, steps, cancelledAt }: UpdateView, out: Output): string[] {
  const rows = steps.map((step) => [step.node, step.version ?? "", version, step.state, step.text ?? ""]);
  const lines = table(["NODE", "RUNS", "WANTED", "UPDATE", "WHY"], rows, out.columns);
  return cancelledAt === null ? lines : [...lines, "cancelled"];
}

/** What is in the way of those that failed, whole: a row of the table has room for its beginning only. */
export function failureLines({ steps }: UpdateView): string[] {
  return steps
    .filter(({ state }) => state === "failed")
    .flatMap(({ node, text = "", code = "", remedy = "" }) => [`${node}: ${text} (${code})`, `  ${remedy}`]);
}

/** Why it goes no further by itself; null while it does. */
export function updateProblem({ version, steps, halted, now, cancelledAt }: UpdateView): FettleError | null {
  if (now.length > 0) return null;
  if (cancelledAt !== null) return new FettleError("update.none");
  const step = steps.find(({ node }) => node === halted);
  if (step === undefined) return null;
  return new FettleError("update.halted", { version, node: step.node, problem: step.text ?? step.code ?? "" });
}
