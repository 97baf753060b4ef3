import type { Server } from "node:https";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import Fastify, { type FastifyInstance, LogController } from "fastify";
import { sendError } from "../api/errors.ts";
import { takeUploads } from "../api/upload-body.ts";
import type { Context, RegisterRoutes } from "../context.ts";
import { registerGround } from "./ground.ts";

const LIMITS = {
  bodyLimit: 1024 * 1024,
  // Given by the kind of body instead.
  requestTimeout: 0,
  keepAliveTimeout: 30_000,
  // A watcher's stream would keep a stopping server open for ever.
  forceCloseConnections: true,
  exposeHeadRoutes: false,
  // Requests are checked by zod; with these Fastify does not load its own checker and serialiser.
  schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
} as const;

function noSchemas(): never {
  throw new Error("impossible: no route has a schema of Fastify's");
}

/** A line per request would drown what matters; refusals and failures are logged where they are known. */
function logging({ logger }: Context) {
  return { loggerInstance: logger, logController: new LogController({ disableRequestLogging: true }) };
}

/** The API with its certificate, for 7443. */
export function createTlsApp(context: Context, registerRoutes: RegisterRoutes): FastifyInstance<Server> {
  const https = { ...tlsOf(context), handshakeTimeout: 10_000 } as const;
  const app = Fastify({ ...LIMITS, https, ...logging(context) });
  equip(app as unknown as FastifyInstance, context, registerRoutes);
  return app as unknown as FastifyInstance<Server>;
}

/** `ca` checks nobody here, but without it Node reads all the public CAs, which costs memory. */
export function tlsOf({ pki }: Pick<Context, "pki">) {
  const { certificate, key } = pki.server();
  return { cert: certificate, key: key.reveal(), ca: pki.ca, minVersion: "TLSv1.2" } as const;
}

/** The same API for the admin socket. */
export function createSocketApp(context: Context, registerRoutes: RegisterRoutes): FastifyInstance {
  const app = Fastify({ ...LIMITS, ...logging(context) }) as unknown as FastifyInstance;
  equip(app, context, registerRoutes);
  return app;
}

function equip(app: FastifyInstance, context: Context, registerRoutes: RegisterRoutes): void {
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new FettleError("api.not-found", { what: `${method} ${url.slice(0, 200)}` });
  });
  takeUploads(app);
  registerGround(app, context);
  registerRoutes(app, context);
}
