/** One request to one model, and what each way of its failing looks like from outside. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { type Completion, pieces, wholeAnswer } from "./completion.ts";
import type { GatewayFaults } from "./faults.ts";
import { type LogLine, logException, PythonError } from "./log.ts";
import { callModel, type Message, type Model } from "./model.ts";
import { HttpProblem, inferenceFailed, type Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";

export interface InferenceContext {
  settings: Settings;
  faults: () => Partial<GatewayFaults>;
  log: LogLine;
}

export interface Wanted {
  model: Model;
  messages: Message[];
  maxTokens: number;
  stream: boolean;
  /** The prompt's own limit; without one the gateway's setting rules. */
  timeoutMs: number | undefined;
  signal: AbortSignal;
}

/** `shape` makes the route's own JSON of a whole answer; a streamed one is the text itself. */
export async function infer(
  wanted: Wanted,
  context: InferenceContext,
  shape: (completion: Completion) => unknown,
): Promise<Reply> {
  const { settings, faults, log } = context;
  if (!settings.customModels) {
    throw new HttpProblem(400, "specifying custom models endpoint is disabled: api_base is not allowed");
  }
  if (faults().inferenceFails) throw inferenceFailed();
  const timeoutMs = faults().modelTimeoutMs ?? wanted.timeoutMs ?? settings.modelTimeoutMs;
  let response: IncomingMessage;
  try {
    response = await callModel(wanted.model, { ...wanted, timeoutMs, caFile: settings.modelCaFile });
    if (!wanted.stream) return { status: 200, json: shape(await wholeAnswer(response)) };
  } catch (error) {
    throw problemOf(error, log);
  }
  return { status: 200, pieces: pieces(response) };
}

/** The model's own error is 421 with its status in words; a model that does not answer at all is 503. */
function problemOf(error: unknown, log: LogLine): HttpProblem {
  if (!(error instanceof PythonError)) return inferenceFailed();
  logException(log, error);
  if (error.status === undefined) return inferenceFailed();
  return new HttpProblem(421, `${error.status}: ${STATUS_CODES[error.status] ?? "Unknown"}`);
}
