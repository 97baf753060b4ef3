import { chmod, mkdir, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { FastifyInstance } from "fastify";

/**
 * Listens on the path with mode 0600 from its first moment. A socket that a killed coordinator left is taken away; one
 * that answers is not: throws `coordinator.cannot-listen`.
 */
export async function listenOnSocket(app: FastifyInstance, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  if (await answers(path)) throw cannotListen(path, "another coordinator answers there");
  await unlink(path).catch(() => undefined);
  await app.ready();
  const before = process.umask(0o177);
  try {
    const listening = app.listen({ path });
    process.umask(before);
    await listening;
  } catch (error) {
    throw cannotListen(path, messageOf(error));
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o600);
}

async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export function cannotListen(address: string, problem: string): FettleError {
  return new FettleError("coordinator.cannot-listen", { address, problem });
}
