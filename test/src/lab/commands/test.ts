import type { LabConfig } from "../config.ts";
import { bringUpFettle } from "../fettle/bring-up.ts";
import type { Lab } from "../lab.ts";
import type { Step } from "../steps/step.ts";
import { fettleSteps, machineSteps } from "../steps/steps.ts";
import { seconds, timed } from "../stopwatch.ts";
import { upMachines } from "./up.ts";

export type Count = { passed: number; failed: number };

/** Brings the lab up, runs the steps one after the other, and ends with `N passed, N failed`; gives the exit code. */
export async function test(config: LabConfig, full: boolean): Promise<number> {
  const lab = await upMachines(config);
  const machines = await runAll(lab, machineSteps(full));
  await bringUpFettle(lab);
  const fettle = await runAll(lab, fettleSteps(full));
  const failed = machines.failed + fettle.failed;
  process.stdout.write(`${machines.passed + fettle.passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

export async function runAll<L extends Lab>(lab: L, steps: Step<L>[]): Promise<Count> {
  const count = { passed: 0, failed: 0 };
  for (const [index, step] of steps.entries()) {
    const ok = await passes(lab, step);
    count[ok ? "passed" : "failed"] += 1;
    if (ok || step.needed !== true) continue;
    const left = steps.length - index - 1;
    process.stdout.write(`          the ${left} steps after it need this one and count as failed\n`);
    count.failed += left;
    break;
  }
  return count;
}

async function passes<L extends Lab>(lab: L, step: Step<L>): Promise<boolean> {
  const { value, seconds: took } = await timed(() =>
    step.run(lab).then(
      (said) => ({ ok: true, said: typeof said === "string" ? said : "" }),
      (thrown: unknown) => ({ ok: false, said: String(thrown) }),
    ),
  );
  process.stdout.write(`${seconds(took)}  ${value.ok ? "ok     " : "not ok "} ${step.name}\n`);
  if (value.said !== "") process.stdout.write(`${indent(value.said)}\n`);
  return value.ok;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "          ");
}
