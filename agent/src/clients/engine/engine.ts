import * as z from "zod";
import type { Host } from "../../system/host.ts";
import { EngineCaller } from "./call.ts";
import { type Containers, containersOf } from "./containers.ts";
import { type EngineEvent, engineEventsOf } from "./events.ts";
import { type Executed, execute } from "./exec.ts";
import { type Images, imagesOf } from "./images.ts";
import { type LogLine, type LogWindow, logLines } from "./logs.ts";

const version = z.object({
  Version: z.string(),
  /** As images call it: amd64, arm64. */
  Arch: z.string(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
});
export type EngineVersion = z.infer<typeof version>;
const info = z.object({ DockerRootDir: z.string() });

/** The Docker Engine on its own socket, as far as it is needed here. Its refusals are EngineErrors. */
export interface EngineClient {
  readonly containers: Containers;
  readonly images: Images;
  version(signal?: AbortSignal): Promise<EngineVersion>;
  /** The folder that holds images and containers. */
  rootFolder(signal?: AbortSignal): Promise<string>;
  execute(
    container: string,
    argv: readonly string[],
    options: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<Executed>;
  logs(container: string, window: LogWindow, signal: AbortSignal): AsyncIterable<LogLine>;
  events(filters: Readonly<Record<string, readonly string[]>>, signal: AbortSignal): AsyncIterable<EngineEvent>;
}

export function engineClient(host: Host): EngineClient {
  const caller = new EngineCaller(host);
  return {
    containers: containersOf(caller),
    images: imagesOf(caller),
    version: async (signal) => version.parse(await caller.json({ path: "/version", signal })),
    rootFolder: async (signal) => info.parse(await caller.json({ path: "/info", signal })).DockerRootDir,
    execute: (container, argv, options) => execute(caller, host.clock, container, argv, options),
    logs: (container, window, signal) => logLines(caller, container, window, signal),
    events: (filters, signal) => engineEventsOf(caller, filters, signal),
  };
}
