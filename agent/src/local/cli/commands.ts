import type { Command } from "./command.ts";
import { enrol } from "./enrol.ts";
import { pause } from "./pause.ts";
import { plan } from "./plan.ts";
import { policy } from "./policy.ts";
import { resume } from "./resume.ts";
import { status } from "./status.ts";
import { uninstall } from "./uninstall.ts";
import { update } from "./update.ts";
import { why } from "./why.ts";

/** Every command of `fettle-agent` beside the agent itself. */
export const commands: readonly Command[] = [enrol, status, plan, pause, resume, why, policy, update, uninstall];
