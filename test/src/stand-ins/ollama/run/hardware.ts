import { freemem, totalmem } from "node:os";
import type { Environment } from "../config/environment.ts";
import type { Gpu } from "../faults.ts";
import type { Log } from "../log.ts";

/** What was found at the start. It is looked for once: a driver repaired later is not seen before a restart. */
export interface Hardware {
  /** undefined: the processor alone. */
  gpu: Gpu | undefined;
  /** Context by default, from the tiers of graphics memory. */
  defaultContext: number;
  report(log: Log): void;
}

const GIB = 1024 ** 3;
const FLOOR_DRIVER = 550;
const FLOOR_DRIVER_OLD_CARDS = 570;

export function discover(environment: Environment, present: Gpu | undefined): Hardware {
  const problem = present === undefined ? undefined : problemOf(environment, present);
  const gpu = problem === undefined ? present : undefined;
  const vram = gpu === undefined ? 0 : gpu.totalMiB * 1024 ** 2 - environment.gpuOverhead;
  const defaultContext = vram >= 47 * GIB ? 262_144 : vram >= 23 * GIB ? 32_768 : 4096;
  return {
    gpu,
    defaultContext,
    report: (log) => {
      log.info("runner.go:67", "discovering available GPUs...");
      problem?.(log);
      log.info("types.go:50", "inference compute", gpu === undefined ? processor() : card(gpu));
      log.info("routes.go:2058", "vram-based default context", {
        total_vram: humanBytes(vram),
        default_num_ctx: defaultContext,
      });
    },
  };
}

/** Why a card that is there is not used, as a line for the log. */
function problemOf(environment: Environment, gpu: Gpu): ((log: Log) => void) | undefined {
  if (environment.cudaVisibleDevices === "-1") {
    return (log) => {
      log.warn("runner.go:101", "user overrode visible devices", { CUDA_VISIBLE_DEVICES: "-1" });
      log.warn("runner.go:105", "if GPUs are not correctly discovered, unset and try again");
    };
  }
  if (gpu.fails === "timeout") {
    return (log) => {
      log.warn("runner.go:584", "llama-server GPU discovery watchdog timed out", {
        error: "context deadline exceeded",
      });
    };
  }
  if (gpu.fails === "init") {
    return (log) => {
      const detail = "ggml_cuda_init: failed to initialize CUDA: unknown error (999)";
      log.info("runner.go:522", "failure during llama-server GPU discovery", { error: "exit status 1", detail });
    };
  }
  const floor = gpu.compute < 7 ? FLOOR_DRIVER_OLD_CARDS : FLOOR_DRIVER;
  if (Number.parseFloat(gpu.driver) >= floor) return undefined;
  return (log) => {
    const fields = { required_driver: `${floor} or newer`, driver: gpu.driver, compute: gpu.compute.toFixed(1) };
    log.warn("cuda_compat.go:65", "NVIDIA driver too old", fields);
  };
}

function card(gpu: Gpu): Record<string, string> {
  const total = humanBytes(gpu.totalMiB * 1024 ** 2);
  return {
    id: "GPU-4d1f0e2a-5a0c-4c1e-9a55-1d3b5a3f0c11",
    filter_id: "",
    library: "CUDA",
    compute: gpu.compute.toFixed(1),
    name: "CUDA0",
    description: gpu.name,
    libdirs: "ollama,cuda_v12",
    driver: "12.8",
    pci_id: "0000:00:1e.0",
    type: "discrete",
    total,
    available: total,
  };
}

function processor(): Record<string, string> {
  return {
    id: "cpu",
    library: "cpu",
    compute: "",
    name: "cpu",
    description: "cpu",
    libdirs: "ollama",
    driver: "",
    pci_id: "",
    type: "",
    total: humanBytes(totalmem()),
    available: humanBytes(freemem()),
  };
}

export function humanBytes(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(1)} GiB`;
  return bytes >= 1024 ** 2 ? `${(bytes / 1024 ** 2).toFixed(1)} MiB` : `${bytes} B`;
}
