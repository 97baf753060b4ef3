import { createHash, randomUUID } from "node:crypto";
import { accessSync, constants, createWriteStream, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Ollama } from "../context.ts";
import { readGguf } from "../models/gguf.ts";
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  type Layer,
  MANIFEST_TYPE,
  type Manifest,
  type ModelConfig,
} from "../models/manifest.ts";
import { type ModelName, parseName } from "../models/model-name.ts";
import type { Progress } from "../pull/pull-model.ts";
import { ApiError, type Body, bodyOf, type Exchange, openLines, sendNothing, textIn } from "./exchange.ts";
import { nameIn, openNamed } from "./models.ts";
import { whole } from "./pull.ts";

/** HEAD /api/blobs/:digest */
export async function headBlob(ollama: Ollama, exchange: Exchange): Promise<void> {
  const digest = exchange.params.digest ?? "";
  sendNothing(exchange, checked(ollama, digest) ? 200 : 404);
}

/** POST /api/blobs/:digest: 201, or 200 when it is there already. */
export async function putBlob(ollama: Ollama, exchange: Exchange): Promise<void> {
  const want = exchange.params.digest ?? "";
  if (checked(ollama, want)) return sendNothing(exchange, 200);
  const temporary = join(ollama.store.blobs.folder(), `sha256-${randomUUID()}`);
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(exchange.request, hashing, createWriteStream(temporary));
  const got = `sha256:${hash.digest("hex")}`;
  if (got !== want) {
    rmSync(temporary, { force: true });
    throw new ApiError(400, `digest mismatch, expected "${want}", got "${got}"`);
  }
  renameSync(temporary, ollama.store.blobs.path(want));
  sendNothing(exchange, 201);
}

function checked(ollama: Ollama, digest: string): boolean {
  try {
    return ollama.store.blobs.has(digest);
  } catch (error) {
    throw new ApiError(400, (error as Error).message);
  }
}

/** POST /api/create: from a model that is there (its blobs are shared), or from an uploaded GGUF file. */
export async function create(ollama: Ollama, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  const { name: wanted } = nameIn(body);
  const name = ollama.store.existing(wanted);
  const run = async (say: (progress: Progress) => void): Promise<void> => build(ollama, name, body, say);
  if (body.stream === false) return whole(ollama, exchange, run);
  const line = openLines(exchange);
  try {
    await run(line);
  } catch (error) {
    if (!exchange.response.headersSent) throw error;
    line({ error: (error as Error).message });
  }
  exchange.response.end();
}

function build(ollama: Ollama, name: ModelName, body: Body, say: (progress: Progress) => void): void {
  const from = textIn(body, "from");
  const files = Object.values((body.files ?? {}) as Record<string, string>);
  if (from === "" && files.length === 0) throw new ApiError(400, "neither 'from' or 'files' was specified");
  const base = from === "" ? fromFile(ollama, files[0] ?? "", say) : openNamed(ollama, from).stored.manifest;
  const manifest = withOwn(ollama, base, body, from, say);
  say({ status: "writing manifest" });
  ollama.store.write(name, JSON.stringify(manifest));
  say({ status: "success" });
}

/** Since 0.30 the uploaded file is rewritten by llama-quantize, so the model's blob is another one and the upload is left over. */
function fromFile(ollama: Ollama, digest: string, say: (progress: Progress) => void): Manifest {
  say({ status: "parsing GGUF" });
  const { blobs } = ollama.store;
  if (!checked(ollama, digest)) throw new ApiError(400, `blob "${digest}" not found`);
  const info = readGguf(blobs.path(digest));
  if (info === undefined) throw new ApiError(400, "unknown type");
  needQuantizer(ollama);
  const total = blobs.sizeOf(digest);
  say({ status: "validating GGUF model", total, completed: total });
  const rewritten = Buffer.concat([readFileSync(blobs.path(digest)), Buffer.from("COPY")]);
  const weights = blobs.write(`${LAYER_TYPE}.model`, rewritten);
  say({ status: "verifying conversion" });
  say({ status: `creating new layer ${weights.digest}` });
  const family = String(info["general.architecture"] ?? "llama");
  const config: ModelConfig = {
    model_format: "gguf",
    model_family: family,
    model_families: [family],
    model_type: "7.2B",
    file_type: "Q4_0",
    architecture: "amd64",
    os: "linux",
  };
  return manifestOf(blobs.write(CONFIG_TYPE, JSON.stringify(config)), [weights]);
}

function needQuantizer(ollama: Ollama): void {
  const { library } = ollama.settings;
  if (library === undefined) return;
  try {
    accessSync(join(library, "llama-quantize"), constants.X_OK);
  } catch (error) {
    throw new Error("llama-quantize unavailable: llama-quantize binary not found", { cause: error });
  }
}

/** The base with template, system and parameters of its own where the request says so. */
function withOwn(
  ollama: Ollama,
  base: Manifest,
  body: Body,
  from: string,
  say: (progress: Progress) => void,
): Manifest {
  const { blobs } = ollama.store;
  let layers = base.layers;
  const replace = (kind: string, text: string): void => {
    const layer = blobs.write(`${LAYER_TYPE}.${kind}`, text);
    layers = [...layers.filter((one) => one.mediaType !== layer.mediaType), layer];
    say({ status: `creating new layer ${layer.digest}` });
  };
  for (const layer of layers) if (from !== "") say({ status: `using existing layer ${layer.digest}` });
  if (textIn(body, "template") !== "") replace("template", textIn(body, "template"));
  if (textIn(body, "system") !== "") replace("system", textIn(body, "system"));
  const own = body.parameters;
  if (typeof own === "object" && own !== null && Object.keys(own).length > 0) {
    const before = layers.find((layer) => layer.mediaType === `${LAYER_TYPE}.params`);
    const old = before === undefined ? {} : (JSON.parse(blobs.text(before.digest)) as Record<string, unknown>);
    replace("params", JSON.stringify({ ...old, ...own }));
  }
  const config = JSON.parse(blobs.text(base.config.digest)) as ModelConfig;
  const parent = from === "" ? {} : { parent_model: parseName(from).model };
  return manifestOf(blobs.write(CONFIG_TYPE, JSON.stringify({ ...config, ...parent })), layers);
}

function manifestOf(config: Layer, layers: Layer[]): Manifest {
  return { schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers };
}
