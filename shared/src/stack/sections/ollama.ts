import * as z from "zod";
import { OLLAMA_PORT } from "../../roles/ollama.ts";
import { addressAndPort, duration, name } from "../fields.ts";

const MODEL =
  /^([a-z0-9.-]+(:\d{1,5})?\/)?([A-Za-z0-9_-][A-Za-z0-9_.-]*\/)?[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/;
/** What a unit file's Environment= line carries without any quoting rules. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
const PLAIN = /^[^"'%$\\\x00-\x1f\x7f]*$/;

const model = z
  .strictObject({
    name: z
      .string()
      .max(200)
      .regex(MODEL, { error: "a model's name as in mistral:instruct or hf.co/org/model:q4" })
      .transform(withTag)
      .describe("The model's name; without a tag it is `:latest`."),
    digest: z
      .string()
      .regex(/^(sha256:)?[0-9a-f]{64}$/, { error: "sha256: and 64 hex digits" })
      .transform((text) => text.replace(/^sha256:/, ""))
      .optional()
      .describe("The manifest's digest, to pin the model to it."),
    warm: z.boolean().default(false).describe("Keep it loaded, so that the first request does not wait."),
    minGpuPercent: z
      .number()
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe("The share of the loaded model that must be in GPU memory; 0 asks for no GPU."),
  })
  .describe("One model of the server.");

const env = z
  .record(
    z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, { error: "an environment variable's name, as in OLLAMA_KEEP_ALIVE" }),
    z.string().max(500).regex(PLAIN, { error: "text without quotes, %, $, backslash or control characters" }),
  )
  .default({})
  .describe("Ollama's environment. OLLAMA_HOST follows from `listen`.");

export const ollama = z
  .strictObject({
    kind: z.literal("ollama"),
    node: name.describe("The node that the server runs on; one server a node."),
    version: z
      .string()
      .regex(/^(any|\d+\.\d+\.\d+(-rc\d+)?)$/, { error: "any, or an exact version as in 0.32.15" })
      .default("any")
      .describe(
        "`any`: at or above the safe floor; where none is installed yet, Fettle's default. Or an exact version.",
      ),
    listen: z
      .union([z.literal("private"), addressAndPort])
      .prefault("private")
      .describe("`private`: the node's declared address, port 11434. Or address:port, never a public address."),
    driver: z
      .enum(["report", "install"])
      .default("report")
      .describe(
        "`report`: say what the NVIDIA driver lacks. `install`: the distribution's own server driver, where the machine allows it; a reboot is a person's word.",
      ),
    env,
    drain: duration.prefault("10m").describe("How long a disturbing repair waits for running answers to end."),
    models: z.array(model).max(50).prefault([]).describe("The models that the server has."),
  })
  .describe("An Ollama server: installed if absent, configured and kept.");
export type OllamaSection = z.output<typeof ollama>;

/** Ollama's own rule: a name without a tag is `:latest`. A colon before the last slash belongs to a host's port. */
export function withTag(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1).includes(":") ? model : `${model}:latest`;
}

/** Where the server listens, given its node's declared address. */
export function ollamaListen(server: OllamaSection, address: string): { host: string; port: number } {
  return server.listen === "private" ? { host: address, port: OLLAMA_PORT } : server.listen;
}
