/** The Docker Engine's stand-in: its API on a Unix socket, with processes of this machine for containers. */
import { mkdirSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { dirname, join } from "node:path";
import { type Control, Faults, faultsFile, serveControl } from "../control.ts";
import { createApi } from "./api/server.ts";
import { type Clock, stamp, systemClock } from "./clock.ts";
import { Lifecycle } from "./containers/lifecycle.ts";
import { ContainerStore } from "./containers/store.ts";
import { type Core, type Release, release } from "./core.ts";
import { Events } from "./events.ts";
import { Execs } from "./exec/execs.ts";
import { commonPrograms } from "./exec/programs.ts";
import { type EngineFaults, faultShape } from "./faults.ts";
import { hashOf } from "./ids.ts";
import { Catalogue } from "./images/catalogue.ts";
import type { ImageDefinition } from "./images/definition.ts";
import { parseReference, written } from "./images/reference.ts";
import { ImageStore } from "./images/store.ts";

export interface EngineOptions {
  /** The API's socket. */
  socket: string;
  /** The folder that makes this the same engine after a restart. */
  root: string;
  /** The images that can be pulled: a JSON file, read at each pull, or the list itself. */
  images: string | readonly ImageDefinition[];
  control?: string;
  /** The program behind `curl` in a container; by default the one beside this file. */
  curl?: string;
  /** The folder that stands for `/` of the engine's machine, for what is mounted; `/` when absent. */
  hostRoot?: string;
  release?: Partial<Release>;
  clock?: Clock;
}

export interface Engine {
  faults: Faults<EngineFaults>;
  /** The daemon's orderly end: containers are stopped, and start with the next engine as their policies say. */
  close(): Promise<void>;
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const file = options.control === undefined ? undefined : faultsFile(options.control);
  const faults = new Faults<EngineFaults>(faultShape, file);
  const core = createCore(options, faults);
  const daemon = new Daemon(core, options.socket);
  const control = await serveControlOf(options.control, core, faults);
  if (!faults.now.down) await daemon.up();
  faults.onChange(() => daemon.follow());
  return {
    faults,
    close: async () => {
      await daemon.end();
      control?.close();
    },
  };
}

function createCore(options: EngineOptions, faults: Faults<EngineFaults>): Core {
  const { root, clock = systemClock } = options;
  mkdirSync(root, { recursive: true });
  const images = new ImageStore(root);
  const containers = new ContainerStore(root);
  const events = new Events(clock);
  const catalogue = new Catalogue(options.images);
  const hostPath = (path: string): string => join(options.hostRoot ?? "/", path);
  const common = commonPrograms(root, options.curl, hostPath);
  const architecture = (): string => faults.now.architecture ?? (process.arch === "x64" ? "amd64" : process.arch);
  const shared = { images, containers, common };
  const now = (): Partial<EngineFaults> => faults.now;
  const lifecycle = new Lifecycle({ ...shared, events, clock, faults: now, architecture });
  addLocal(catalogue, images, stamp(clock()));
  return {
    root,
    id: hashOf(root).slice(0, 32),
    clock,
    catalogue,
    images,
    containers,
    lifecycle,
    execs: new Execs({ ...shared, lifecycle }, events),
    events,
    faults: now,
    architecture,
    layersHere: new Set(),
    hostPath,
    release: { ...release, ...options.release },
  };
}

/** Images that the machine has without having pulled them. */
function addLocal(catalogue: Catalogue, images: ImageStore, now: string): void {
  for (const definition of catalogue.all().filter(({ local }) => local === true)) {
    const name = written(parseReference(definition.reference));
    if (images.find(name) === undefined) images.add(definition, [name], false, now);
  }
}

async function serveControlOf(
  path: string | undefined,
  core: Core,
  faults: Faults<EngineFaults>,
): Promise<Control | undefined> {
  if (path === undefined) return undefined;
  const state = (): unknown => ({
    containers: core.containers.all().map(({ id, name, state: { status, pid } }) => ({ id, name, status, pid })),
    images: core.images.all().map(({ id, tags, digests }) => ({ id, tags, digests })),
  });
  return await serveControl(path, state, faults);
}

/** The daemon as a process of its own would be: there or not there. One change at a time. */
class Daemon {
  readonly #core: Core;
  readonly #socket: string;
  #server: Server | undefined;
  #change: Promise<void> = Promise.resolve();

  constructor(core: Core, socket: string) {
    this.#core = core;
    this.#socket = socket;
  }

  follow(): void {
    const { down, eventsCut } = this.#core.faults();
    this.#change = this.#change.then(() => (down ? this.down() : this.up()));
    if (eventsCut) this.#core.events.cutStreams();
  }

  /** After whatever it is told to become by then. */
  async end(): Promise<void> {
    await this.#change;
    await this.down();
  }

  async up(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createApi(this.#core);
    this.#server = server;
    mkdirSync(dirname(this.#socket), { recursive: true });
    rmSync(this.#socket, { force: true });
    await this.#core.lifecycle.recover();
    await new Promise<void>((resolve) => server.listen(this.#socket, resolve));
  }

  async down(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    server.closeAllConnections();
    rmSync(this.#socket, { force: true });
    await this.#core.lifecycle.shutdown();
  }
}
