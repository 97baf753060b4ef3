/** Every path of the API that the stand-in knows. */
import type { Core } from "../core.ts";
import type { Call } from "./call.ts";
import * as containers from "./containers.ts";
import { events } from "./events.ts";
import * as execs from "./execs.ts";
import * as images from "./images.ts";
import { logs } from "./logs.ts";
import { pull } from "./pull.ts";
import * as system from "./system.ts";

export type Handler = (call: Call, core: Core) => Promise<void>;

const ONE = "([^/]+)";
/** An image's name may hold slashes. */
const IMAGE = "(.+?)";

const to = (path: string): RegExp => new RegExp(`^${path}$`);

export const routes: readonly [method: string, pattern: RegExp, handler: Handler][] = [
  ["GET", to("/_ping"), system.ping],
  ["GET", to("/version"), system.version],
  ["GET", to("/info"), system.info],
  ["GET", to("/events"), events],
  ["GET", to("/images/json"), images.list],
  ["POST", to("/images/create"), pull],
  ["POST", to("/images/load"), images.load],
  ["GET", to(`/images/${IMAGE}/json`), images.inspect],
  ["GET", to(`/images/${IMAGE}/get`), images.save],
  ["POST", to(`/images/${IMAGE}/tag`), images.tag],
  ["DELETE", to(`/images/${IMAGE}`), images.remove],
  ["GET", to("/containers/json"), containers.list],
  ["POST", to("/containers/create"), containers.create],
  ["GET", to(`/containers/${ONE}/json`), containers.inspect],
  ["GET", to(`/containers/${ONE}/logs`), logs],
  ["POST", to(`/containers/${ONE}/start`), containers.start],
  ["POST", to(`/containers/${ONE}/stop`), containers.stop],
  ["POST", to(`/containers/${ONE}/restart`), containers.restart],
  ["POST", to(`/containers/${ONE}/pause`), containers.pause],
  ["POST", to(`/containers/${ONE}/unpause`), containers.unpause],
  ["POST", to(`/containers/${ONE}/kill`), containers.kill],
  ["POST", to(`/containers/${ONE}/wait`), containers.wait],
  ["POST", to(`/containers/${ONE}/rename`), containers.rename],
  ["POST", to(`/containers/${ONE}/update`), containers.update],
  ["DELETE", to(`/containers/${ONE}`), containers.remove],
  ["POST", to(`/containers/${ONE}/exec`), execs.create],
  ["POST", to(`/exec/${ONE}/start`), execs.start],
  ["GET", to(`/exec/${ONE}/json`), execs.inspect],
];
