import type { LabConfig } from "../config.ts";
import type { Lab } from "../lab.ts";
import type { Step } from "../steps/step.ts";
import { steps } from "../steps/steps.ts";
import { seconds, timed } from "../stopwatch.ts";
import { up } from "./up.ts";

/** Brings the lab up, runs the steps one after the other, and ends with `N passed, N failed`; gives the exit code. */
export async function test(config: LabConfig, full: boolean): Promise<number> {
  const lab = await up(config);
  let failed = 0;
  const list = steps(full);
  for (const step of list) {
    if (!(await passes(lab, step))) failed += 1;
  }
  process.stdout.write(`${list.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function passes(lab: Lab, step: Step): Promise<boolean> {
  const { value: error, seconds: took } = await timed(() =>
    step.run(lab).then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  const word = error === undefined ? "ok     " : "not ok ";
  process.stdout.write(`${seconds(took)}  ${word} ${step.name}\n`);
  if (error !== undefined) process.stdout.write(`${indent(String(error))}\n`);
  return error === undefined;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "          ");
}
