import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Reporter, ResourceContext } from "../../resource.ts";
import type { Wanted } from "./choose.ts";
import { installDriver, loadModule } from "./install.ts";
import { REBOOTED } from "./look.ts";
import { DRIVER, MACHINE, MODULE } from "./next.ts";

const REBOOT_MS = 30_000;

/** Does the step that a look has found, and says which kind it was. */
export async function bringDriver(
  ctx: ResourceContext,
  changes: readonly Change[],
  wanted: Wanted,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<"none" | "brought" | "rebooting"> {
  const has = (what: string) => changes.some((change) => change.what === what);
  if (has(DRIVER)) await installDriver(ctx, wanted, signal, reporter);
  else if (has(MODULE)) await loadModule(ctx, signal, reporter);
  else if (!has(MACHINE)) return "none";
  else {
    await reboot(ctx, signal, reporter);
    return "rebooting";
  }
  return "brought";
}

/** Once for one approval, which the run has used up, or once in the life of this agent. */
async function reboot({ host, kept }: ResourceContext, signal: AbortSignal, reporter: Reporter): Promise<void> {
  kept.set(REBOOTED, (await host.metrics.facts()).bootId);
  reporter.log("this machine is rebooted for the NVIDIA driver\n");
  const { code, stderr } = await host.exec.run(["systemctl", "reboot"], { timeoutMs: REBOOT_MS, signal });
  if (code !== 0) throw new Error(`systemctl reboot: ${stderr.trim().slice(0, 300)}`);
}
