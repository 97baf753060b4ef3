import { Faults, faultsFile } from "../control.ts";
import { type Environment, readEnvironment, type Variables } from "./config/environment.ts";
import type { Settings } from "./config/settings.ts";
import { type OllamaFaults, shape } from "./faults.ts";
import type { Log } from "./log.ts";
import { ModelStore } from "./models/model-store.ts";
import { Downloads } from "./pull/downloads.ts";
import { discover, type Hardware } from "./run/hardware.ts";
import { Scheduler } from "./run/scheduler.ts";

/** All that one server has; composed here and handed around as a type. */
export interface Ollama {
  settings: Settings;
  variables: Variables;
  environment: Environment;
  faults: Faults<OllamaFaults>;
  log: Log;
  store: ModelStore;
  downloads: Downloads;
  hardware: Hardware;
  scheduler: Scheduler;
  /** Requests seen, by method and path: `GET /api/tags` to a count. Never what was in them. */
  seen: Record<string, number>;
}

export function createOllama(settings: Settings, variables: Variables, log: Log): Ollama {
  const faults = new Faults(shape, settings.control === undefined ? undefined : faultsFile(settings.control));
  const environment = readEnvironment(variables);
  const store = new ModelStore(environment.models, log);
  const hardware = discover(environment, faults.now.gpu);
  const scheduler = new Scheduler({ environment, faults, log, hardware, library: settings.library });
  return {
    settings,
    variables,
    environment,
    faults,
    log,
    store,
    downloads: new Downloads({ blobs: store.blobs, faults, log }),
    hardware,
    scheduler,
    seen: {},
  };
}
