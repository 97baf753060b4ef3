import type { Server } from "node:https";
import { join } from "node:path";
import { hostPort } from "@fettle/shared/lib/address.ts";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { FastifyInstance } from "fastify";
import type { Context, RegisterRoutes } from "../context.ts";
import { cannotListen, listenOnSocket } from "./admin-socket.ts";
import { createSocketApp, createTlsApp, tlsOf } from "./app.ts";

/** The operator's two doors: HTTPS on 7443 and the Unix socket. */
export class HttpServers implements Service {
  readonly id = "http";
  readonly #context: Context;
  readonly #tls: FastifyInstance<Server>;
  readonly #socket: FastifyInstance;

  constructor(context: Context, registerRoutes: RegisterRoutes) {
    this.#context = context;
    this.#tls = createTlsApp(context, registerRoutes);
    this.#socket = createSocketApp(context, registerRoutes);
    context.pki.onRenewed(() => this.#tls.server.setSecureContext(tlsOf(context)));
  }

  /** The TLS listener's port. Throws `coordinator.cannot-listen`. */
  async listen(): Promise<number> {
    const { api, paths } = this.#context.config;
    await listenOnSocket(this.#socket, join(paths.run, "admin.sock"));
    try {
      await this.#tls.listen(api);
    } catch (error) {
      throw cannotListen(hostPort(api.host, api.port), messageOf(error));
    }
    const address = this.#tls.server.address();
    return address === null || typeof address === "string" ? api.port : address.port;
  }

  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await this.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.#tls.close(), this.#socket.close()]);
  }
}
