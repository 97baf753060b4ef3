/** What every Docker Engine does, as cases: the stand-in's tests run them, and the lab's against a real one. */
import type { Test } from "tap";
import { images } from "./contract/images.ts";
import { inside } from "./contract/inside.ts";
import { life } from "./contract/life.ts";
import { ports } from "./contract/ports.ts";
import { refusals } from "./contract/refusals.ts";
import { restarts } from "./contract/restarts.ts";
import { system } from "./contract/system.ts";
import { type ContractCase, Kit, type Target } from "./contract-kit.ts";

export const contract: readonly ContractCase[] = [
  ...system,
  ...images,
  ...refusals,
  ...life,
  ...inside,
  ...restarts,
  ...ports,
];

export async function runContract(t: Test, target: Target): Promise<void> {
  for (const { name, run } of contract) {
    await t.test(name, { timeout: 60_000 }, async (t) => {
      await run(t, new Kit(t, target));
    });
  }
}
