import type { UnitsCase } from "./contract/bench.ts";
import { stateCases } from "./contract/state-cases.ts";
import { systemdCases } from "./contract/systemd-cases.ts";
import { transientCases } from "./contract/transient-cases.ts";
import { watchCases } from "./contract/watch-cases.ts";

/**
 * What every implementation of Units and Watch.units does, as cases: run on a machine with systemd, and, those that
 * are not `only` for systemd, on the sandbox's unit manager, which starts the same programs.
 */
export const unitsCases: readonly UnitsCase[] = [...stateCases, ...transientCases, ...watchCases, ...systemdCases];
