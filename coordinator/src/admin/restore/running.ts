import { connect } from "node:net";

const LIMIT_MS = 2_000;

/** Whether somebody answers on this Unix socket. One that a dead process left does not. */
export async function answers(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect({ path: socket, timeout: LIMIT_MS });
    const end = (answer: boolean) => {
      probe.destroy();
      resolve(answer);
    };
    probe.on("connect", () => end(true));
    probe.on("timeout", () => end(true));
    probe.on("error", () => end(false));
  });
}
