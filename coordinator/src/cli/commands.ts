import type { Declare } from "./command.ts";
import { apply } from "./commands/apply.ts";
import { approve } from "./commands/approve.ts";
import { ca } from "./commands/ca.ts";
import { completion } from "./commands/completion.ts";
import { coordinator } from "./commands/coordinator.ts";
import { describe } from "./commands/describe.ts";
import { diff } from "./commands/diff.ts";
import { events } from "./commands/events.ts";
import { explain } from "./commands/explain.ts";
import { get } from "./commands/get.ts";
import { login, logout } from "./commands/login.ts";
import { logs } from "./commands/logs.ts";
import { mirror } from "./commands/mirror.ts";
import { node } from "./commands/node.ts";
import { pause } from "./commands/pause.ts";
import { plan } from "./commands/plan.ts";
import { repair } from "./commands/repair.ts";
import { resume } from "./commands/resume.ts";
import { schema } from "./commands/schema.ts";
import { status } from "./commands/status.ts";
import { token } from "./commands/token.ts";
import { update } from "./commands/update.ts";
import { wait } from "./commands/wait.ts";

/** Every command, in the order of the help. */
export const commands: readonly Declare[] = [
  coordinator,
  apply,
  plan,
  diff,
  schema,
  status,
  wait,
  get,
  describe,
  events,
  logs,
  repair,
  pause,
  resume,
  approve,
  token,
  node,
  ca,
  update,
  mirror,
  explain,
  login,
  logout,
  completion,
];
