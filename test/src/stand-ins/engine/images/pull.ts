/** A pull: the lines that the Engine streams, one for each thing that happens to a layer. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineFaults } from "../faults.ts";
import { digestOf, type ImageDefinition, layersOf } from "./definition.ts";
import { pullError } from "./pull-errors.ts";
import { type Reference, registryOf, written } from "./reference.ts";

export type PullLine = Record<string, unknown>;

export interface PullContext {
  faults: () => Partial<EngineFaults>;
  /** Layers that are here whole, from this image or from a pull that was cut short. */
  layersHere: Set<string>;
  signal: AbortSignal;
}

interface Layer {
  id: string;
  bytes: number;
  got: number;
}

const TICK_MS = 50;
/** Without a limit a layer still arrives in a few steps, so that there is progress to see. */
const STEPS = 4;

/** Ends with the last line, an error's included; throws only when `signal` fires. */
export async function* pullLines(
  reference: Reference,
  definition: ImageDefinition,
  isNew: boolean,
  context: PullContext,
): AsyncGenerator<PullLine> {
  yield {
    status: `Pulling from ${reference.familiar.replace(/^[^/]*[.:][^/]*\//, "")}`,
    id: reference.tag ?? reference.digest,
  };
  const layers = layersOf(definition).map((layer) => ({ ...layer, got: 0 }));
  if (isNew) {
    for (const line of announced(layers, context.layersHere)) yield line;
    for await (const line of downloads(
      layers.filter(({ id }) => !context.layersHere.has(id)),
      context,
    ))
      yield line;
    const failure = pullError(context.faults().pullError);
    if (failure !== undefined) {
      const message = failure.text(registryOf(reference), written(reference));
      yield { errorDetail: { message }, error: message };
      return;
    }
  }
  yield { status: `Digest: ${digestOf(definition)}` };
  const outcome = isNew ? "Downloaded newer image for" : "Image is up to date for";
  yield { status: `Status: ${outcome} ${written(reference)}` };
}

function* announced(layers: readonly Layer[], here: ReadonlySet<string>): Generator<PullLine> {
  for (const { id } of layers) {
    yield { status: here.has(id) ? "Already exists" : "Pulling fs layer", progressDetail: {}, id };
  }
}

async function* downloads(layers: readonly Layer[], context: PullContext): AsyncGenerator<PullLine> {
  const total = layers.reduce((sum, { bytes }) => sum + bytes, 0);
  let got = 0;
  for (const layer of layers) {
    while (layer.got < layer.bytes) {
      const { pullStallsAt = 1, pullBytesPerSecond } = context.faults();
      const limit = pullBytesPerSecond === undefined ? layer.bytes / STEPS : (pullBytesPerSecond * TICK_MS) / 1000;
      const room = pullStallsAt < 1 ? Math.max(0, total * pullStallsAt - got) : layer.bytes;
      const step = Math.ceil(Math.min(limit, room, layer.bytes - layer.got));
      if (step > 0) {
        layer.got += step;
        got += step;
        yield progressed("Downloading", layer);
      }
      if (step === 0 || pullBytesPerSecond !== undefined) await sleep(TICK_MS, undefined, { signal: context.signal });
    }
    yield* arrived(layer, context);
    context.signal.throwIfAborted();
  }
}

function* arrived(layer: Layer, { layersHere, faults }: PullContext): Generator<PullLine> {
  yield { status: "Verifying Checksum", progressDetail: {}, id: layer.id };
  yield { status: "Download complete", progressDetail: {}, id: layer.id };
  yield progressed("Extracting", layer);
  if (faults().pullError !== undefined) return;
  layersHere.add(layer.id);
  yield { status: "Pull complete", progressDetail: {}, id: layer.id };
}

function progressed(status: string, { id, got, bytes }: Layer): PullLine {
  const width = Math.floor((got / bytes) * 50);
  const bar = `[${"=".repeat(Math.max(0, width - 1))}>${" ".repeat(50 - Math.max(1, width))}]`;
  return {
    status,
    progressDetail: { current: got, total: bytes },
    progress: `${bar}  ${sized(got)}/${sized(bytes)}`,
    id,
  };
}

function sized(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(4))}${units[power]}`;
}
