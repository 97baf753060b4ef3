import { join } from "node:path";
import { clean, durationOrSeconds, formatDuration, parseBool, parseUint } from "./go-values.ts";
import { type HostAddress, parseHost, showHost } from "./host-address.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** What `ollama serve` takes from its environment. Durations are milliseconds, Infinity is "for ever". */
export interface Environment {
  host: HostAddress;
  /** HOME; undefined stops the start. */
  home: string | undefined;
  models: string;
  keepAlive: number;
  loadTimeout: number;
  /** 0: by the graphics memory there is. */
  contextLength: number;
  numParallel: number;
  maxLoadedModels: number;
  maxQueue: number;
  noPrune: boolean;
  noCloud: boolean;
  kvCacheType: string;
  gpuOverhead: number;
  origins: string[];
  cudaVisibleDevices: string;
  /** What the real one warns about while it reads. */
  warnings: { msg: string; fields: Record<string, string | number> }[];
}

const DEFAULT_ORIGINS = [
  ...["localhost", "127.0.0.1", "0.0.0.0"].flatMap((host) => [
    `http://${host}`,
    `https://${host}`,
    `http://${host}:*`,
    `https://${host}:*`,
  ]),
  ...["app", "file", "tauri", "vscode-webview", "vscode-file"].map((scheme) => `${scheme}://*`),
];

export function readEnvironment(variables: Variables): Environment {
  const warnings: Environment["warnings"] = [];
  const host = parseHost(variables.OLLAMA_HOST);
  if (host.badPort !== undefined) {
    warnings.push({ msg: "invalid port, using default", fields: { port: host.badPort, default: host.port } });
  }
  const uint = (key: string, fallback: number): number => {
    const text = clean(variables[key]);
    const value = text === "" ? fallback : parseUint(text);
    if (value === undefined) warnings.push(badVariable(key, text, fallback));
    return value ?? fallback;
  };
  const home = variables.HOME || undefined;
  return {
    host,
    home,
    models: clean(variables.OLLAMA_MODELS) || join(home ?? "/", ".ollama", "models"),
    keepAlive: keepAlive(clean(variables.OLLAMA_KEEP_ALIVE)),
    loadTimeout: loadTimeout(clean(variables.OLLAMA_LOAD_TIMEOUT)),
    contextLength: uint("OLLAMA_CONTEXT_LENGTH", 0),
    numParallel: Math.max(1, uint("OLLAMA_NUM_PARALLEL", 1)),
    maxLoadedModels: uint("OLLAMA_MAX_LOADED_MODELS", 0),
    maxQueue: uint("OLLAMA_MAX_QUEUE", 512),
    noPrune: parseBool(clean(variables.OLLAMA_NOPRUNE)),
    noCloud: parseBool(clean(variables.OLLAMA_NO_CLOUD)),
    kvCacheType: clean(variables.OLLAMA_KV_CACHE_TYPE),
    gpuOverhead: uint("OLLAMA_GPU_OVERHEAD", 0),
    origins: [...clean(variables.OLLAMA_ORIGINS).split(",").filter(Boolean), ...DEFAULT_ORIGINS],
    cudaVisibleDevices: clean(variables.CUDA_VISIBLE_DEVICES),
    warnings,
  };
}

function badVariable(key: string, value: string, fallback: number): Environment["warnings"][number] {
  return { msg: "invalid environment variable, using default", fields: { key, value, default: fallback } };
}

/** Negative is for ever, 0 is "unload at once". */
export function keepAlive(text: string): number {
  const value = durationOrSeconds(text) ?? 5 * 60_000;
  return value < 0 ? Infinity : Math.abs(value);
}

/** Here 0 too is for ever. */
function loadTimeout(text: string): number {
  const value = durationOrSeconds(text) ?? 5 * 60_000;
  return value <= 0 ? Infinity : value;
}

const AS_THEY_ARE = [
  "CUDA_VISIBLE_DEVICES",
  "GGML_VK_VISIBLE_DEVICES",
  "GPU_DEVICE_ORDINAL",
  "HIP_VISIBLE_DEVICES",
  "HSA_OVERRIDE_GFX_VERSION",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "LLAMA_ARG_FIT",
  "LLAMA_ARG_FIT_TARGET",
  "NO_PROXY",
  "OLLAMA_EDITOR",
  "OLLAMA_IGPU_ENABLE",
  "OLLAMA_KV_CACHE_TYPE",
  "OLLAMA_LLM_LIBRARY",
  "ROCR_VISIBLE_DEVICES",
  "http_proxy",
  "https_proxy",
  "no_proxy",
];

const SWITCHES: Record<string, boolean> = {
  OLLAMA_DEBUG_LOG_REQUESTS: false,
  OLLAMA_FLASH_ATTENTION: false,
  OLLAMA_GO_TEMPLATE: true,
  OLLAMA_NOHISTORY: false,
  OLLAMA_NOPRUNE: false,
  OLLAMA_NO_CLOUD: false,
  OLLAMA_SCHED_SPREAD: false,
  OLLAMA_VULKAN: true,
};

/** The map of the journal line `msg="server config" env="map[…]"`, keys sorted as Go prints them. */
export function serverConfig(environment: Environment, variables: Variables): string {
  const all: Record<string, string> = {
    OLLAMA_CONTEXT_LENGTH: String(environment.contextLength),
    OLLAMA_DEBUG: clean(variables.OLLAMA_DEBUG) === "" ? "INFO" : "DEBUG",
    OLLAMA_GPU_OVERHEAD: String(environment.gpuOverhead),
    OLLAMA_HOST: showHost(environment.host),
    OLLAMA_KEEP_ALIVE: formatDuration(environment.keepAlive),
    OLLAMA_LOAD_TIMEOUT: formatDuration(environment.loadTimeout),
    OLLAMA_MAX_LOADED_MODELS: String(environment.maxLoadedModels),
    OLLAMA_MAX_QUEUE: String(environment.maxQueue),
    OLLAMA_MAX_TRANSFER_STREAMS: clean(variables.OLLAMA_MAX_TRANSFER_STREAMS) || "4",
    OLLAMA_MODELS: environment.models,
    OLLAMA_NUM_PARALLEL: String(environment.numParallel),
    OLLAMA_ORIGINS: `[${environment.origins.join(" ")}]`,
    OLLAMA_REMOTES: `[${clean(variables.OLLAMA_REMOTES) || "ollama.com"}]`,
  };
  for (const name of AS_THEY_ARE) all[name] = clean(variables[name]);
  for (const [name, fallback] of Object.entries(SWITCHES)) {
    const text = clean(variables[name]);
    all[name] = String(text === "" ? fallback : parseBool(text));
  }
  const keys = Object.keys(all).sort((a, b) => (a < b ? -1 : 1));
  return `map[${keys.map((key) => `${key}:${all[key]}`).join(" ")}]`;
}
