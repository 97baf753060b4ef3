import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type Control, Faults, faultsFile, serveControl } from "../control.ts";
import { type Exchange, sendText } from "./exchange.ts";
import { type Images, type RegistryFaults, shape } from "./faults.ts";
import { answerImages, defaultImages } from "./image-registry.ts";
import { answerToken, ModelRegistry } from "./model-registry.ts";
import { defaultModels, type ModelSpec } from "./models.ts";
import { answerReleases } from "./releases.ts";

export interface RegistryOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  models?: ModelSpec[];
  images?: Images;
  /** Folder of release files: `<version>/<file>`. */
  releases?: string;
  /** Control socket; faults can also be set on `faults`. */
  control?: string;
  tls?: { key: string; cert: string };
}

export interface Seen {
  method: string;
  path: string;
  range: string | undefined;
}

export interface Registry {
  /** `http://127.0.0.1:5000` */
  url: string;
  port: number;
  faults: Faults<RegistryFaults>;
  /** Every request so far, the oldest first. */
  seen: Seen[];
  close(): Promise<void>;
}

export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const faults = new Faults(shape, options.control === undefined ? undefined : faultsFile(options.control));
  const seen: Seen[] = [];
  const scheme = options.tls === undefined ? "http" : "https";
  const server = newServer(options, listener(options, faults, seen, scheme));
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const { control } = options;
  const told = control === undefined ? undefined : await serveControl(control, () => ({ port, seen }), faults);
  return { url: `${scheme}://${host}:${port}`, port, faults, seen, close: () => close(server, told) };
}

/** What a registry answers, for a server that somebody else opens; `scheme` is what its clients speak. */
export function registryListener(options: RegistryOptions, scheme: "http" | "https"): RequestListener {
  return listener(options, new Faults(shape), [], scheme);
}

function newServer(options: RegistryOptions, listen: RequestListener): Server {
  return options.tls === undefined ? createServer(listen) : createTlsServer(options.tls, listen);
}

function close(server: Server, told: Control | undefined): Promise<void> {
  told?.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

function listener(
  options: RegistryOptions,
  faults: Faults<RegistryFaults>,
  seen: Seen[],
  scheme: string,
): RequestListener {
  const models = new ModelRegistry(options.models ?? defaultModels);
  const images = options.images ?? defaultImages;
  let met = 0;
  faults.onChange(() => {
    met = 0;
  });
  const meets = (): boolean => met++ < (faults.now.times ?? Infinity);
  return (request, response) => {
    const url = new URL(request.url ?? "/", `${scheme}://${request.headers.host ?? "registry"}`);
    seen.push({ method: request.method ?? "GET", path: url.pathname, range: request.headers.range });
    const exchange: Exchange = { request, response, url, faults: faults.now, meets };
    answer(exchange, models, images, options.releases).catch(() => response.destroy());
  };
}

async function answer(
  exchange: Exchange,
  models: ModelRegistry,
  images: Images,
  releases: string | undefined,
): Promise<void> {
  const path = exchange.url.pathname;
  const { status, hang } = exchange.faults;
  if (hang?.some((start) => path.startsWith(start))) return;
  const told = Object.entries(status ?? {}).find(([start]) => path.startsWith(start))?.[1];
  if (told !== undefined) return sendText(exchange, told, `the stand-in was told to answer ${told}`);
  if (path === "/token") return answerToken(exchange);
  if (answerImages(exchange, images)) return;
  if (await answerReleases(exchange, releases)) return;
  if (!(await models.answer(exchange))) sendText(exchange, 404, "404 page not found");
}
