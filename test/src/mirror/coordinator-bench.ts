import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { init } from "@fettle/coordinator/admin/init.ts";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import { cliClock } from "@fettle/coordinator/cli/clock.ts";
import { run } from "@fettle/coordinator/cli/run.ts";
import { systemClock } from "@fettle/coordinator/clock.ts";
import { type Context, createContext } from "@fettle/coordinator/context.ts";
import { openCoordinator } from "@fettle/coordinator/coordinator.ts";
import { pino } from "pino";
import type { Test } from "tap";

const HOST = "127.77.0.3";

export interface MirrorBench {
  readonly context: Context;
  readonly folder: string;
  readonly apiPort: number;
  readonly agentPort: number;
  /** What a command printed, both streams, and its status. */
  fettle(...args: string[]): Promise<{ status: number; text: string }>;
  /** Files that lie in the mirror, whole or in part. */
  files(): Promise<readonly string[]>;
}

/** A whole coordinator with its doors open, and the command line before it. */
export async function mirrorBench(t: Test): Promise<MirrorBench> {
  const folder = await mkdtemp(join(tmpdir(), "fettle-mirror-"));
  const paths = { data: join(folder, "data"), config: join(folder, "etc"), run: join(folder, "run") };
  const address = { host: HOST, port: 0 };
  const config = { paths, share: folder, api: address, agents: address, names: [], logLevel: "silent" } as const;
  await init(paths, systemClock);
  const context = await createContext({ config, clock: systemClock, logger: pino({ level: "silent" }) });
  const coordinator = await openCoordinator(context, registerRoutes);
  const end = new AbortController();
  const ran = coordinator.run(end.signal);
  t.teardown(async () => {
    end.abort();
    await ran;
    await rm(folder, { recursive: true, force: true });
  });
  const mirror = join(paths.data, "mirror");
  return {
    context,
    folder,
    apiPort: coordinator.apiPort,
    agentPort: coordinator.agentPort,
    fettle: (...args) => fettle(args, join(paths.run, "admin.sock")),
    files: async () => [...(await readdir(join(mirror, "blobs"))), ...(await readdir(join(mirror, "incoming")))].sort(),
  };
}

async function fettle(args: string[], socket: string): Promise<{ status: number; text: string }> {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  const { readFile } = await import("node:fs/promises");
  const status = await run(args, {
    stdout: stream,
    stderr: stream,
    environment: { FETTLE_SOCKET: socket, COLUMNS: "200" },
    clock: cliClock,
    signal: new AbortController().signal,
    readFile: (path) => readFile(path, "utf8"),
  });
  return { status, text };
}
