import { upBare } from "../bare/bring-up.ts";
import { offlineSteps } from "../bare/offline-steps.ts";
import { bareSteps } from "../bare/steps.ts";
import type { LabConfig } from "../config.ts";
import { runAll } from "./test.ts";

/** From bare machines by what a user types; ends with `N passed, N failed` and gives the exit code. */
export async function testInstall(config: LabConfig, full: boolean): Promise<number> {
  const lab = await upBare(config, { engine: false });
  const connected = await runAll(lab, bareSteps(full));
  const { releases } = lab;
  const offline = await runAll(await upBare(config, { engine: true, releases }), offlineSteps());
  const failed = connected.failed + offline.failed;
  process.stdout.write(`${connected.passed + offline.passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}
