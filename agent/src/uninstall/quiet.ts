import { FettleError } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";
import type { Host } from "../system/host.ts";
import type { LocalCall } from "../system/local-socket.ts";

const CALL_MS = 10_000;
const PAUSE_MS = 30 * 60_000;
const WAIT_MS = 180_000;
const LOOK_MS = 1_000;

const status = z.object({
  report: z.object({ resources: z.array(z.object({ id: z.string(), state: z.string() })) }),
});

/** The running agent's socket. */
export interface Running {
  readonly host: Pick<Host, "localSocket" | "clock">;
  readonly socket: string;
  readonly user: string;
}

/** Whether an agent answers at all. */
export async function answers(running: Running): Promise<boolean> {
  return (await ask(running, { method: "GET", path: "/v1/status", body: null })) !== null;
}

/**
 * Has a running agent begin nothing more, and waits until it has ended what it does, so that stopping it leaves no
 * container half swapped. An agent that is dead is quiet. Throws `agent.uninstall-busy` unless `anyway`.
 */
export async function quieten(running: Running, anyway: boolean): Promise<void> {
  const { clock } = running.host;
  const body = { scope: "*", reason: "uninstall", until: clock.now() + PAUSE_MS, by: running.user };
  if ((await ask(running, { method: "POST", path: "/v1/pause", body })) === null) return;
  const deadline = clock.mono() + WAIT_MS;
  for (;;) {
    const busy = await atWork(running);
    if (busy.length === 0) return;
    if (clock.mono() > deadline) {
      if (anyway) return;
      await unquieten(running);
      throw new FettleError("agent.uninstall-busy", { what: busy.join(", ") });
    }
    await clock.sleep(LOOK_MS);
  }
}

/** Takes the pause back: the agent stays. */
export async function unquieten(running: Running): Promise<void> {
  await ask(running, { method: "POST", path: "/v1/resume", body: { scope: "*", by: running.user } });
}

async function atWork(running: Running): Promise<string[]> {
  const said = status.safeParse(await ask(running, { method: "GET", path: "/v1/status", body: null }));
  if (!said.success) return [];
  return said.data.report.resources.filter(({ state }) => state === "repairing").map(({ id }) => id);
}

/** null when nobody answers. */
async function ask({ host, socket }: Running, call: LocalCall): Promise<unknown> {
  return host.localSocket.call(socket, call, CALL_MS).then(
    ({ body }) => body,
    () => null,
  );
}
