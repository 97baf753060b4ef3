import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../system/host.ts";
import type { Units } from "../system/units.ts";

/** Ends by itself and must not be cut: a package that is half configured is worse than a minute of waiting. */
const PACKAGES = /^fettle-(apt|docker|driver)/;
const WAIT_MS = 600_000;
const LOOK_MS = 1_000;

/** Stops what runs of these units; gives those that ran. Throws `agent.uninstall-stuck`. */
export async function stopUnits(units: Units, names: readonly string[]): Promise<readonly string[]> {
  if (!(await units.available())) return [];
  const stopped: string[] = [];
  for (const name of names) {
    const { active } = await units.show(name);
    if (active === "inactive" || active === "failed") continue;
    try {
      await units.stop(name);
    } catch (cause) {
      throw new FettleError("agent.uninstall-stuck", { what: name, problem: messageOf(cause) }, { cause });
    }
    stopped.push(name);
  }
  for (const name of names) await units.resetFailed(name);
  return stopped;
}

/** Ends the units that the agent started beside itself; gives a line for each that stays. */
export async function endTransient(host: Pick<Host, "units" | "clock">, names: readonly string[]): Promise<string[]> {
  const { units, clock } = host;
  const lines: string[] = [];
  if (!(await units.available())) return lines;
  for (const name of names) {
    const deadline = clock.mono() + WAIT_MS;
    while (PACKAGES.test(name) && (await isAtWork(units, name)) && clock.mono() < deadline) await clock.sleep(LOOK_MS);
    if (PACKAGES.test(name) && (await isAtWork(units, name))) {
      lines.push(`${name} is still installing packages and is left to end by itself.`);
      continue;
    }
    await units.stop(name).catch(() => undefined);
    await units.resetFailed(name);
  }
  return lines;
}

async function isAtWork(units: Units, name: string): Promise<boolean> {
  const { active, sub } = await units.show(name);
  return active === "activating" || (active === "active" && sub !== "exited");
}
