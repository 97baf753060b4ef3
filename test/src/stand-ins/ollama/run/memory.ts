import type { Gpu } from "../faults.ts";
import { archNumber, type OpenModel } from "../models/model-details.ts";

export interface Memory {
  size: number;
  sizeVram: number;
}

const COMPUTE_BUFFER = 96 * 1024 ** 2;
const KV_BYTES: Record<string, number> = { q8_0: 1, q4_0: 0.5 };
/** What of a card a model may take; beyond it layers silently stay with the processor. */
const USABLE = 0.8;

/** Weights, key-value cache (context times parallel requests) and buffers, and how much of it fits the card. */
export function memoryOf(
  model: OpenModel,
  context: number,
  parallel: number,
  kvType: string,
  gpu: Gpu | undefined,
): Memory {
  const layers = archNumber(model, "block_count") ?? 32;
  const heads = archNumber(model, "attention.head_count_kv") ?? 8;
  const width = archNumber(model, "attention.key_length") ?? 128;
  const perToken = 2 * layers * heads * width * (KV_BYTES[kvType] ?? 2);
  const size = (model.weights?.size ?? 0) + context * parallel * perToken + COMPUTE_BUFFER;
  const room = gpu === undefined ? 0 : gpu.totalMiB * 1024 ** 2 * USABLE;
  return { size, sizeVram: Math.min(size, Math.floor(room)) };
}
