import { kinds, type Shape } from "../control.ts";

/** A graphics card as the real one would find it; looked for once, at the start. */
export interface Gpu {
  name: string;
  totalMiB: number;
  /** Driver version as nvidia-smi shows it, e.g. "570.158"; below 550 the card is not used, which only the log says. */
  driver: string;
  /** Compute capability, e.g. 7.5. */
  compute: number;
  /** Ways in which the search for cards fails; then the processor is used. */
  fails?: "timeout" | "init";
}

/** The ways in which this stand-in can be told to misbehave. Absent is healthy. */
export interface OllamaFaults {
  /** Start: prints `Error: <text>` and exits 1. */
  startFails: string;
  /** Start: listens, but answers nothing for so long. */
  startMs: number;
  gpu: Gpu;
  /** Part of a loaded model that is in graphics memory, whatever cards there are. */
  sizeVramShare: number;
  /** What /api/ps shows as context, whatever was asked for. */
  contextLength: number;
  /** How long a load takes (default 20). */
  loadMs: number;
  /** A load ends with this text and status 500. */
  loadFails: string;
  /** Every request that needs a load is refused with 503. */
  queueFull: boolean;
  /** A model that should be unloaded stays, `expires_at` in the past. */
  stuckStopping: boolean;
  /** The runner dies when it is asked something: the text of its end. */
  runnerDies: string;
  /** The answer stops in the middle. */
  streamBreaks: boolean;
  /** An inference runs (a child uses some CPU) and no answer comes to its end. */
  busy: boolean;
  /** Time per token of an answer (default 2). */
  tokenMs: number;
  /** Tokens of an answer (default: as many as the canned answer has). */
  answerTokens: number;
  /** GET /api/tags answers with this status. */
  tagsFail: number;
  /** Any path answers with a status. */
  fails: Record<string, number>;
  /** These paths never answer. */
  hang: string[];
  /** Pull: the manifest step ends with this text. */
  manifestError: string;
  /** Pull: the download of a blob ends with this text. */
  pullError: string;
  /** Pull: no byte is written after so many of a blob. */
  pullStallsAfterBytes: number;
  /** Pull: the disk is full after so many bytes of a blob, and the part's record is left empty, as then happens. */
  diskFullAfterBytes: number;
  /** Pull: the stream just ends, with neither success nor error. */
  pullJustEnds: boolean;
  /** Pull: smallest part (default 100 MB), unit of the waits between tries (default 1000) and of the stall (default 30000). */
  partBytes: number;
  retryMs: number;
  stallMs: number;
}

const paths = {
  is: "an object of path to status",
  ok: (value: unknown) => kinds.object.ok(value) && Object.values(Object(value)).every((one) => Number.isInteger(one)),
};

export const shape: Shape<OllamaFaults> = {
  startFails: kinds.text,
  startMs: kinds.count,
  gpu: kinds.object,
  sizeVramShare: kinds.share,
  contextLength: kinds.count,
  loadMs: kinds.count,
  loadFails: kinds.text,
  queueFull: kinds.flag,
  stuckStopping: kinds.flag,
  runnerDies: kinds.text,
  streamBreaks: kinds.flag,
  busy: kinds.flag,
  tokenMs: kinds.count,
  answerTokens: kinds.count,
  tagsFail: kinds.count,
  fails: paths,
  hang: kinds.texts,
  manifestError: kinds.text,
  pullError: kinds.text,
  pullStallsAfterBytes: kinds.count,
  diskFullAfterBytes: kinds.count,
  pullJustEnds: kinds.flag,
  partBytes: kinds.count,
  retryMs: kinds.count,
  stallMs: kinds.count,
};
