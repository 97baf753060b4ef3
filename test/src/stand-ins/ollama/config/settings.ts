import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Variables } from "./environment.ts";

declare const STAND_IN_BAKED_VERSION: string | undefined;

/** What only the stand-in knows of itself; the real program has none of it. */
export interface Settings {
  version: string;
  /** Base URL that stands for the public registries (registry.ollama.ai, hf.co). Without it they cannot be resolved. */
  registry?: string;
  /** Path of the control socket. */
  control?: string;
  /** `lib/ollama` of the installation this program belongs to; absent when it runs from its source. */
  library?: string;
}

const DEFAULT_VERSION = "0.32.15";

/**
 * From the environment (STAND_IN_VERSION, STAND_IN_REGISTRY, STAND_IN_CONTROL), else from `lib/ollama/stand-in.json` of
 * the installation, which is how a unit that knows nothing of stand-ins starts one.
 */
export function readSettings(variables: Variables, program: string | undefined): Settings {
  const library = program === undefined ? undefined : libraryOf(program);
  const packed = library === undefined ? {} : packedSettings(library);
  const pick = (name: string): string | undefined => variables[name] || packed[name] || undefined;
  const registry = pick("STAND_IN_REGISTRY");
  const control = pick("STAND_IN_CONTROL");
  return {
    version: pick("STAND_IN_VERSION") ?? bakedVersion(),
    ...(registry !== undefined && { registry }),
    ...(control !== undefined && { control }),
    ...(library !== undefined && { library }),
  };
}

/** As the real one looks: beside the folder that the real path of the program lies in. */
function libraryOf(program: string): string {
  return join(dirname(realpathSync(program)), "..", "lib", "ollama");
}

function packedSettings(library: string): Record<string, string> {
  const file = join(library, "stand-in.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, string>) : {};
}

function bakedVersion(): string {
  return typeof STAND_IN_BAKED_VERSION === "string" ? STAND_IN_BAKED_VERSION : DEFAULT_VERSION;
}
