import { upBare } from "../bare/bring-up.ts";
import { offlineSteps } from "../bare/offline-steps.ts";
import { bareSteps } from "../bare/steps.ts";
import type { LabConfig } from "../config.ts";
import { runAll } from "./test.ts";

/** From bare machines by what a user types; ends with `N passed, N failed` and gives the exit code. */
export async function testInstall(config: LabConfig, full: boolean): Promise<number> {
  const connected = await runAll(await upBare(config, { engine: false }), bareSteps(full));
  const offline = await runAll(await upBare(config, { engine: true }), offlineSteps());
  const failed = connected.failed + offline.failed;
  process.stdout.write(`${connected.passed + offline.passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}
