import { randomUUID } from "node:crypto";
import { byteRange } from "@fettle/shared/lib/byte-range.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import { type BlobRef, blobsOfManifest, MOST_MANIFEST_BYTES } from "@fettle/shared/mirror/model-manifest.ts";
import { parseModelName } from "@fettle/shared/roles/model-name.ts";
import type { Host } from "../system/host.ts";
import type { RelayAnswer, RelayCall } from "../system/relay.ts";
import type { MirrorClient } from "./mirror.ts";

/** A registry on loopback that has one model, and that only whoever is told its name can ask. */
export interface ModelRelay {
  /** What Ollama is to pull, over plain http. */
  readonly name: string;
  readonly bytes: number;
  close(): void;
}

/** How the names of pulls through a relay begin; what is left of one that was cut short is known by it. */
export const RELAY_NAME = /^127\.0\.0\.1:\d{1,5}\/fettle-[0-9a-f]{32}\//;

const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
/** Tries in a row that bring nothing, a second apart: as long as a coordinator takes to start again. */
const EMPTY_TRIES = 40;
const PAUSE_MS = 1_000;

/** Throws `mirror.away` when the manifest cannot be had, or is not what was announced. */
export async function relayModel(
  host: Pick<Host, "relay" | "clock">,
  mirror: MirrorClient,
  item: MirrorItem,
  signal: AbortSignal,
): Promise<ModelRelay> {
  const parsed = parseModelName(item.name);
  if (parsed === null) throw away(item, "that is no model's name");
  const manifest = await manifestOf(mirror, item, signal);
  const blobs = blobsOfManifest(manifest.toString("utf8"));
  if (blobs === null) throw away(item, "its manifest is none of a model");
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const namespace = `fettle-${randomUUID().replaceAll("-", "")}`;
  const base = `/v2/${namespace}/${parsed.model}`;
  const registry = new Registry({ base, tag: parsed.tag, manifest, blobs, mirror, clock: host.clock, signal: either });
  const port = await host.relay.serve(async (call) => registry.answer(call), either);
  return {
    name: `127.0.0.1:${port}/${namespace}/${parsed.model}:${parsed.tag}`,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
    close: () => ended.abort(new Error("the pull is over")),
  };
}

async function manifestOf(mirror: MirrorClient, item: MirrorItem, signal: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    const answer = await mirror.open(item.sha256, { from: 0 }, signal);
    try {
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      for await (const chunk of answer.chunks) {
        bytes += chunk.length;
        if (bytes > MOST_MANIFEST_BYTES) throw new Error("its manifest is too large");
        pieces.push(chunk);
      }
    } finally {
      answer.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw away(item, messageOf(error).slice(0, 300), error);
  }
  const manifest = Buffer.concat(pieces);
  if (sha256Hex(manifest) !== item.sha256) throw away(item, "its manifest is another one than was announced");
  return manifest;
}

interface RegistryParts {
  readonly base: string;
  readonly tag: string;
  readonly manifest: Buffer;
  readonly blobs: readonly BlobRef[];
  readonly mirror: MirrorClient;
  readonly clock: Host["clock"];
  readonly signal: AbortSignal;
}

const NOT_FOUND: RelayAnswer = { status: 404, headers: { "content-length": 0 }, body: null };

/** The registry's protocol as Ollama's pull speaks it (facts: ollama.md section 4). */
class Registry {
  readonly #parts: RegistryParts;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  answer({ path, range }: RelayCall): RelayAnswer {
    const { base, tag, blobs } = this.#parts;
    if (path === `${base}/manifests/${tag}`) return this.#manifest();
    const sha256 = path.startsWith(`${base}/blobs/sha256:`) ? path.slice(`${base}/blobs/sha256:`.length) : null;
    const blob = blobs.find((one) => one.sha256 === sha256);
    return blob === undefined ? NOT_FOUND : this.#blob(path, blob, range);
  }

  #manifest(): RelayAnswer {
    const { manifest } = this.#parts;
    const headers = { "content-type": MANIFEST_TYPE, "content-length": manifest.length };
    return {
      status: 200,
      headers,
      body: (async function* () {
        yield manifest;
      })(),
    };
  }

  /** Without a range Ollama only asks where the bytes are: it reads the Location, and then from there in parts. */
  #blob(path: string, blob: BlobRef, asked: string | undefined): RelayAnswer {
    const range = byteRange(asked, blob.size);
    if (range === "none")
      return { status: 416, headers: { "content-range": `bytes */${blob.size}`, "content-length": 0 }, body: null };
    const { start, end } = range ?? { start: 0, end: blob.size - 1 };
    const headers = {
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
      "content-length": end - start + 1,
      ...(range === null ? { location: path } : { "content-range": `bytes ${start}-${end}/${blob.size}` }),
    };
    return {
      status: range === null ? 200 : 206,
      headers,
      body: blob.size === 0 ? null : this.#bytes(blob, start, end),
    };
  }

  /** What breaks on the way from the coordinator is taken up again: to Ollama it is a pause. */
  async *#bytes({ sha256 }: BlobRef, start: number, end: number): AsyncGenerator<Uint8Array> {
    const { mirror, clock, signal } = this.#parts;
    let at = start;
    for (let empty = 0; at <= end; ) {
      const before = at;
      let problem: unknown = new Error("it ended early");
      try {
        for await (const chunk of this.#part(mirror, sha256, at, end)) {
          at += chunk.length;
          yield chunk;
        }
      } catch (error) {
        problem = error;
      }
      signal.throwIfAborted();
      if (at > end) return;
      empty = at > before ? 0 : empty + 1;
      if (empty === EMPTY_TRIES) throw problem;
      await clock.sleep(PAUSE_MS, signal);
    }
  }

  async *#part(mirror: MirrorClient, sha256: string, from: number, to: number): AsyncGenerator<Uint8Array> {
    const answer = await mirror.open(sha256, { from, to }, this.#parts.signal);
    try {
      if (answer.status !== 206) throw new Error(`status ${answer.status}`);
      let left = to - from + 1;
      for await (const chunk of answer.chunks) {
        const bytes = chunk.subarray(0, left);
        left -= bytes.length;
        if (bytes.length > 0) yield bytes;
        if (left === 0) return;
      }
    } finally {
      answer.close();
    }
  }
}

function away({ name }: MirrorItem, problem: string, cause?: unknown): FettleError {
  return new FettleError("mirror.away", { what: `the model ${name}`, problem }, { cause });
}
