import { upBare } from "../bare/bring-up.ts";
import { bareSteps } from "../bare/steps.ts";
import type { LabConfig } from "../config.ts";
import { runAll } from "./test.ts";

/** From bare machines by what a user types; ends with `N passed, N failed` and gives the exit code. */
export async function testInstall(config: LabConfig, full: boolean): Promise<number> {
  const lab = await upBare(config, { engine: false });
  const { passed, failed } = await runAll(lab, bareSteps(full));
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}
