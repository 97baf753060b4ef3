import { setInterval } from "node:timers/promises";
import type { Ollama } from "../context.ts";
import { allLayers, type Layer, MANIFEST_TYPE, parseManifest } from "../models/manifest.ts";
import type { ModelName } from "../models/model-name.ts";
import { type BlobDownload, short } from "./blob-download.ts";
import { ask, type RegistryOptions, registryUrl, textOf } from "./registry-http.ts";

export interface Progress {
  status: string;
  digest?: string;
  total?: number;
  completed?: number;
}

type Say = (progress: Progress) => void;

const EVERY_MS = 60;

/** The whole pull. Ends without error only after `success`; an error's message is the last line of the stream. */
export async function pullModel(
  ollama: Ollama,
  name: ModelName,
  insecure: boolean,
  gone: AbortSignal,
  say: Say,
): Promise<void> {
  const before = previousLayers(ollama, name);
  if (name.scheme === "http" && !insecure) throw new Error("insecure protocol http");
  say({ status: "pulling manifest" });
  const options: RegistryOptions = {
    insecure,
    publicRegistry: ollama.settings.registry,
    userAgent: `ollama/${ollama.settings.version} (amd64 linux) Go/go1.24.1`,
  };
  const text = await fetchManifest(ollama, name, options, gone);
  const layers = allLayers(parseManifest(text));
  if (layers.some((layer) => layer.mediaType === "application/vnd.ollama.image.tensor")) {
    throw new Error("this model requires MLX support, but the MLX runtime is not available");
  }
  const fresh: Layer[] = [];
  for (const layer of layers) if (await bring(ollama, layer, name, options, gone, say)) fresh.push(layer);
  say({ status: "verifying sha256 digest" });
  for (const layer of fresh) await verify(ollama, layer.digest);
  say({ status: "writing manifest" });
  ollama.store.write(name, text);
  const unused = before.filter((digest) => !layers.some((layer) => layer.digest === digest));
  if (!ollama.environment.noPrune && unused.length > 0) {
    say({ status: "removing unused layers" });
    ollama.store.removeUnused(unused);
  }
  say({ status: "success" });
}

function previousLayers(ollama: Ollama, name: ModelName): string[] {
  try {
    const stored = ollama.store.get(name);
    return stored === undefined ? [] : allLayers(stored.manifest).map((layer) => layer.digest);
  } catch (error) {
    const fields = { name: name.model, error: (error as Error).message };
    ollama.log.warn("images.go:1007", "pulling model with bad existing manifest", fields);
    return [];
  }
}

async function fetchManifest(
  ollama: Ollama,
  name: ModelName,
  options: RegistryOptions,
  gone: AbortSignal,
): Promise<string> {
  try {
    const { manifestError } = ollama.faults.now;
    if (manifestError !== undefined) throw new Error(manifestError);
    const url = registryUrl(name, options, `manifests/${name.tag}`);
    const text = await textOf(await ask("GET", url, options, gone, { accept: MANIFEST_TYPE }));
    parseManifest(text);
    return text;
  } catch (error) {
    if (gone.aborted) throw gone.reason;
    throw new Error(`pull model manifest: ${(error as Error).message}`, { cause: error });
  }
}

/** True when the blob was downloaded now; one that is there under its name is trusted as it is. */
async function bring(
  ollama: Ollama,
  layer: Layer,
  name: ModelName,
  options: RegistryOptions,
  gone: AbortSignal,
  say: Say,
): Promise<boolean> {
  const { digest } = layer;
  if (ollama.store.blobs.has(digest)) {
    const size = ollama.store.blobs.sizeOf(digest);
    say({ status: `pulling ${short(digest)}`, digest, total: size, completed: size });
    return false;
  }
  const download = await ollama.downloads.join(digest, name, options, gone);
  const stop = new AbortController();
  const told = tell(download, say, stop.signal);
  try {
    await download.wait(gone);
  } finally {
    stop.abort();
    await told;
  }
  return true;
}

async function tell(download: BlobDownload, say: Say, signal: AbortSignal): Promise<void> {
  const { digest } = download;
  try {
    for await (const _ of setInterval(EVERY_MS, undefined, { signal })) {
      const { total, completed } = download;
      say({ status: `pulling ${short(digest)}`, digest, total, ...(completed > 0 && { completed }) });
    }
  } catch {
    // The download has ended, and with it the telling.
  }
}

async function verify(ollama: Ollama, want: string): Promise<void> {
  const got = await ollama.store.blobs.digestOf(want);
  if (got === want) return;
  ollama.store.blobs.remove(want);
  throw new Error(`digest mismatch, file must be downloaded again: want ${want}, got ${got}`);
}
