import { OLLAMA_SOURCE } from "@fettle/shared/roles/ollama-archives.ts";
import * as z from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: "a sha256 of 64 hex digits" });
const list = (max = 100) => z.array(z.string().min(1).max(500)).max(max).default([]);
/** zod takes a missing section for its defaults only when it is told what they are made from. */
const section = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? {}, schema);

/** Names of the environment that Ollama may be given without a further line; OLLAMA_HOST follows from `listen`. */
export const OLLAMA_ENV: readonly string[] = [
  "OLLAMA_KEEP_ALIVE",
  "OLLAMA_CONTEXT_LENGTH",
  "OLLAMA_NUM_PARALLEL",
  "OLLAMA_MAX_LOADED_MODELS",
  "OLLAMA_MAX_QUEUE",
  "OLLAMA_FLASH_ATTENTION",
  "OLLAMA_KV_CACHE_TYPE",
  "OLLAMA_GPU_OVERHEAD",
  "OLLAMA_SCHED_SPREAD",
  "OLLAMA_NOPRUNE",
  "OLLAMA_NO_CLOUD",
  "OLLAMA_LOAD_TIMEOUT",
  "CUDA_VISIBLE_DEVICES",
];

/**
 * The section `policy` of agent.yaml: what this machine allows beyond the built-in limits. Everything in it is written
 * on the machine by root; no message reads or changes it.
 */
export const localPolicy = z.strictObject({
  /** Ranges that count as private on this site, as in `203.0.113.0/24`. */
  privateRanges: z
    .array(z.string().regex(/^[0-9a-fA-F:.]+\/\d{1,3}$/, { error: "a range as in 203.0.113.0/24" }))
    .max(50)
    .default([]),
  /** Release keys (ed25519, SPKI in base64) that this machine takes updates from, beside the two built in. */
  releaseKeys: z.array(z.base64().max(200)).max(10).default([]),
  /** Whether models and the gateway's image may come from the coordinator's mirror, where there is no internet. */
  mirror: z.boolean().default(false),
  ollama: section(
    z.strictObject({
      /** Where archives come from: `<source>/v<version>/ollama-linux-<arch>.tar.zst`. */
      source: z
        .string()
        .regex(/^https?:\/\/[^\s@?#]+[^/\s@?#]$/, { error: "an http or https address without a slash at its end" })
        .default(OLLAMA_SOURCE),
      /** version -> machine -> sha256, beside the built-in table. */
      archives: z
        .record(z.string().max(40), z.strictObject({ x64: sha256.optional(), arm64: sha256.optional() }))
        .default({}),
      /** Further names of Ollama's environment. */
      env: list(),
      /** `install`: the stack may have the distribution's NVIDIA driver installed here, with apt as root. */
      driver: z.enum(["report", "install"]).default("report"),
      /** Whether the driver's first reboot may come by itself, in the boot in which the agent was installed. */
      firstBootReboot: z.boolean().default(false),
      /** Registries that models may come from, beside registry.ollama.ai; as in `hf.co` or `registry.internal:5000`. */
      registries: list(),
    }),
  ),
  gateway: section(
    z.strictObject({
      /** Repositories of the gateway's image, beside the two official ones. */
      images: list(),
      /** CA bundle files outside the usual places. */
      caBundles: list(),
      /** GitLab URLs that the gateway may take tokens from; when given, the first use is not what counts. */
      gitlabUrls: list(),
    }),
  ),
  gitlab: section(
    z.strictObject({
      /** URLs of the GitLab on this machine; when given, the first use is not what counts. */
      urls: list(),
      /** `host` or `host:port` of gateways that GitLab may send prompts to, instead of the first one it was given. */
      gateways: list(),
      /** Hosts of model servers, instead of the first ones. */
      modelServers: list(),
      /** Token files outside /etc/fettle. */
      tokenFiles: list(),
      /** CA files outside the usual places. */
      caFiles: list(),
    }),
  ),
});
export type LocalPolicy = z.infer<typeof localPolicy>;

/** What a machine allows whose agent.yaml says nothing. */
export const defaultPolicy: LocalPolicy = localPolicy.parse({ ollama: {}, gateway: {}, gitlab: {} });
