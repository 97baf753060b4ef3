/** The parts of one engine, as the API's handlers see them. */
import type { Clock } from "./clock.ts";
import type { Lifecycle } from "./containers/lifecycle.ts";
import type { ContainerStore } from "./containers/store.ts";
import type { Events } from "./events.ts";
import type { Execs } from "./exec/execs.ts";
import type { EngineFaults } from "./faults.ts";
import type { Catalogue } from "./images/catalogue.ts";
import type { ImageStore } from "./images/store.ts";

export interface Core {
  root: string;
  id: string;
  clock: Clock;
  catalogue: Catalogue;
  images: ImageStore;
  containers: ContainerStore;
  lifecycle: Lifecycle;
  execs: Execs;
  events: Events;
  faults: () => Partial<EngineFaults>;
  architecture: () => string;
  layersHere: Set<string>;
  /** Where a path of the engine's machine lies on this one. */
  hostPath: (path: string) => string;
  release: Release;
}

/** Which Docker Engine this says it is. */
export interface Release {
  version: string;
  apiVersion: string;
  minApiVersion: string;
}

export const release: Release = { version: "28.5.2", apiVersion: "1.51", minApiVersion: "1.24" };
