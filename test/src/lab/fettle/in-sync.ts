import { type Status, statusRoute } from "@fettle/shared/api/status.ts";
import type { Lab } from "../lab.ts";
import { LabError } from "../lab-error.ts";
import { until } from "../until.ts";

/** Waits until every resource of every connected node is in sync; the error that ends it says what is not. */
export async function inSync(lab: Lab, timeoutMs: number): Promise<void> {
  let last: Status | undefined;
  try {
    await until("the stack to be in sync", timeoutMs, async () => {
      last = await lab.fettle.call(statusRoute, { query: {} });
      const all = last.nodes.every(({ connection, behind }) => connection === "connected" && !behind);
      return (all && last.word === "in-sync") || undefined;
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new LabError("lab.not-in-sync", `${message}\n${describe(last)}`, { cause: error });
  }
}

function describe(status: Status | undefined): string {
  if (status === undefined) return "the coordinator never answered";
  const items = [...status.people, ...status.changing, ...status.rest];
  return [status.word, ...items.map(({ where, state, text }) => `  ${where} ${state}: ${text}`)].join("\n");
}
