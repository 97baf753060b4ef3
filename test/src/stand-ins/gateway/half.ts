/**
 * One of the image's two processes. They run under a parent that never stops the one for the other, so a half that
 * has died stays dead until the container is restarted, and the container ends when no half is left.
 */
import { Server as HttpServer } from "node:http";
import type { Server, Socket } from "node:net";
import type { Address } from "./settings.ts";

export class Half {
  readonly address: Address;
  readonly died: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #markDead: () => void;

  private constructor(server: Server, address: Address) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#markDead = resolve;
    this.#server = server;
    this.address = address;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Throws what the bind says, EADDRINUSE for one. */
  static async listen(server: Server, { host, port }: Address): Promise<Half> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ host, port }, resolve);
    await promise;
    const bound = server.address();
    return new Half(server, { host, port: typeof bound === "object" && bound !== null ? bound.port : port });
  }

  /** As if the process had been killed: no port, no connection, at once. */
  die(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#markDead();
  }

  /** Takes no new connections, lets the requests under way end, but not longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#server instanceof HttpServer) this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.die(), graceMs);
    await closed;
    clearTimeout(timer);
    this.#markDead();
  }
}
