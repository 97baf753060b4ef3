import { copyFileSync, mkdirSync } from "node:fs";
import type { Server } from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { faultsFile } from "../control.ts";
import { type ServerCertificate, serverCertificate } from "./certificates.ts";
import { ChatLog } from "./chat-log.ts";
import { openControl } from "./control.ts";
import { FaultBox } from "./faults.ts";
import { type InitialState, initialState } from "./initial-state.ts";
import { listen } from "./listener.ts";
import { RequestLog } from "./request-log.ts";
import { generationOf, loadSchema } from "./schema.ts";
import { Signer } from "./signer.ts";
import { Store } from "./store.ts";
import { createToken, findToken } from "./tokens.ts";
import type { World } from "./world.ts";

export interface GitlabOptions extends Omit<Partial<InitialState>, "now"> {
  /** State, keys and certificates; kept between starts. */
  home: string;
  address?: string;
  /** 0: any free one. */
  port?: number;
  /** What users type; made from the first name and the port when absent. */
  url?: string | undefined;
  /** A Unix socket for the tests; none when absent. */
  control?: string | undefined;
  /** Where a copy of the authority's certificate goes. */
  caFile?: string | undefined;
  /** An administrator's token that the tests know; made at the first start. */
  adminToken?: string | undefined;
  now?: () => number;
}

export interface RunningGitlab {
  url: string;
  /** PEM of the authority that signed what the listener shows. */
  ca: string;
  world: World;
  /** Reads the certificate again after the state was changed directly; the control socket does it by itself. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

const DEFAULT_VERSION = "18.8";
const YEAR_MS = 364 * 86_400_000;

export async function startGitlab(options: GitlabOptions): Promise<RunningGitlab> {
  const now = options.now ?? Date.now;
  mkdirSync(options.home, { recursive: true });
  const names = options.names ?? [options.address ?? "127.0.0.1"];
  const store = new Store(join(options.home, "state.json"), () =>
    initialState({ ...options, version: options.version ?? DEFAULT_VERSION, names, now: now() }),
  );
  const certificate = await serverCertificate(options.home, store.state.certificate, now());
  if (options.caFile) copyCa(options.home, options.caFile);
  const server = https.createServer({ key: certificate.key, cert: certificate.cert });
  await bind(server, options.port ?? 0, options.address ?? "127.0.0.1");
  const url = options.url ?? `https://${names[0]}:${(server.address() as AddressInfo).port}`;
  const world = makeWorld(options, url, store, now);
  serve(server, world);
  if (options.adminToken) keepAdminToken(world, options.adminToken);
  let shown = certificate.cert;
  const reload = async () => {
    const wanted = await serverCertificate(world.home, store.state.certificate, now());
    if (wanted.cert !== shown) show(server, wanted);
    shown = wanted.cert;
  };
  const control = options.control ? await openControl(world, options.control, reload) : null;
  world.signer.warm();
  loadSchema(generationOf(store.state.version));
  return { url, ca: certificate.ca, world, reload, stop: () => stopAll(server, control, world) };
}

function makeWorld({ home, control }: GitlabOptions, url: string, store: Store, now: () => number): World {
  return {
    home,
    url: url.replace(/\/$/, ""),
    store,
    now,
    faults: new FaultBox(control === undefined ? undefined : faultsFile(control)),
    requests: new RequestLog(),
    signer: new Signer(home),
    chat: new ChatLog(),
  };
}

function serve(server: https.Server, world: World): void {
  server.on("request", (request, response) => {
    listen(world, request, response).catch((error: unknown) => {
      process.stderr.write(`gitlab: ${request.method} ${request.url}: ${String(error)}\n`);
      response.destroy();
    });
  });
}

/** Open connections would go on showing the old one, so they are closed. */
function show(server: https.Server, { key, cert }: ServerCertificate): void {
  server.setSecureContext({ key, cert });
  server.closeAllConnections();
}

function keepAdminToken(world: World, value: string): void {
  if (findToken(world.store.state, value)) return;
  const expiresAt = new Date(world.now() + YEAR_MS).toISOString().slice(0, 10);
  createToken(world, { user: "1", name: "operator", scopes: ["api", "admin_mode"], expiresAt, value });
}

function copyCa(home: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join(home, "ca.crt"), target);
}

function bind(server: https.Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
}

async function stopAll(server: https.Server, control: Server | null, world: World): Promise<void> {
  await world.signer.settled();
  for (const each of [server, control]) {
    if (!each) continue;
    each.closeAllConnections();
    await new Promise((resolve) => each.close(resolve));
  }
}
