import * as z from "zod";
import { resourceName } from "../protocol/names.ts";
import { probeTarget } from "./probe.ts";
import { GB, type Role } from "./role.ts";

export const OLLAMA_PORT = 11434;
/** Below this an unauthenticated heap leak (CVE-2026-7482) is open. */
export const OLLAMA_FLOOR = "0.17.1";
/** What is installed where the stack says `any` and there is none yet. */
export const OLLAMA_DEFAULT = "0.32.15";

/** One model of the server. */
export const ollamaModel = z.strictObject({
  name: resourceName,
  /** Wanted manifest digest, 64 hex digits, when the operator pinned it. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  warm: z.boolean(),
  /** Share of the model that must be in GPU memory while it is loaded; 0 asks for nothing. */
  minGpuPercent: z.number().int().min(0).max(100),
});
export type OllamaModel = z.infer<typeof ollamaModel>;

export const ollamaParams = z.strictObject({
  /** The node's declared address. */
  address: z.string().max(64),
  /** Where Ollama listens: one address of this host and a port. */
  listen: z.strictObject({ host: z.string().max(64), port: z.number().int().min(1).max(65535) }),
  /** `any` (at or above the floor) or an exact version. */
  version: z.string().regex(/^(any|\d+\.\d+\.\d+(-rc\d+)?)$/),
  /** Declared environment without OLLAMA_HOST. */
  env: z.record(z.string().max(64), z.string().max(500)),
  /** `install`: the distribution's NVIDIA driver where there is a card and no driver that is good enough; absent: only told. */
  driver: z.literal("install").optional(),
  drainMs: z.number().int().nonnegative(),
  models: z.array(ollamaModel).max(50),
  probes: z.array(probeTarget).max(20),
});
export type OllamaParams = z.infer<typeof ollamaParams>;

export const ollamaRole = {
  name: "ollama",
  params: ollamaParams,
  serves: "ollama.listening",
  ports: [{ service: "ollama", port: OLLAMA_PORT }],
  gates: [],
  capabilities: [
    "ollama.host",
    "ollama.driver",
    "ollama.install",
    "ollama.drop-in",
    "ollama.service",
    "ollama.listening",
    "ollama.model",
    "ollama.warm",
  ],
  host: { diskBytes: 50 * GB, memoryBytes: 16 * GB },
} as const satisfies Role;
