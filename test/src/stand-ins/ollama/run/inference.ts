import { setTimeout as sleep } from "node:timers/promises";
import type { Ollama } from "../context.ts";
import { answerTo, tokensIn } from "./answer.ts";
import type { Runner } from "./runner.ts";

/** Counts and times of one answer; durations in nanoseconds, as the API shows them. */
export interface Metrics {
  reason: "stop" | "length";
  promptTokens: number;
  tokens: number;
  promptNs: number;
  evalNs: number;
}

const TOKEN_MS = 2;

/**
 * The tokens of an answer as they come. While it runs the runner's process uses some processor time. Throws what the
 * real one says when its runner dies in the middle; ends with `gone` when the client has left.
 */
export async function* infer(
  ollama: Ollama,
  runner: Runner,
  prompt: string,
  most: number | undefined,
  gone: AbortSignal,
): AsyncGenerator<string, Metrics> {
  const { faults } = ollama;
  const leave = await runner.slots.take(gone);
  const signal = AbortSignal.any([gone, runner.onEnd.signal]);
  const started = performance.now();
  const promptTokens = cutToContext(ollama, runner, tokensIn(prompt));
  const tokens = answerTo(prompt);
  runner.process.work();
  let count = 0;
  try {
    dieIfTold(ollama);
    while (!finished(ollama, count, tokens.length, most)) {
      await sleep(faults.now.tokenMs ?? TOKEN_MS, undefined, { signal });
      if (faults.now.streamBreaks && count === 2)
        throw new Error("an error was encountered while running the model: unexpected EOF");
      yield tokens[count % tokens.length] ?? "";
      count++;
    }
  } catch (error) {
    if (gone.aborted) throw gone.reason;
    throw runner.ended === undefined ? error : stopped(runner.ended);
  } finally {
    if (runner.users <= 1) runner.process.rest();
    leave();
  }
  const evalNs = Math.round((performance.now() - started) * 1e6);
  const reason = count === most ? "length" : "stop";
  return { reason, promptTokens, tokens: count, promptNs: promptTokens * 100_000, evalNs };
}

function finished(ollama: Ollama, count: number, canned: number, most: number | undefined): boolean {
  const { busy, answerTokens } = ollama.faults.now;
  if (count === most) return true;
  return busy !== true && count >= (answerTokens ?? canned);
}

/** A prompt that is too long loses about half of the context, and only the log says so. */
function cutToContext(ollama: Ollama, runner: Runner, prompt: number): number {
  const context = ollama.faults.now.contextLength ?? runner.context;
  if (prompt < context) return prompt;
  const kept = context - Math.max(Math.floor(context / 2), 1);
  const fields = { limit: kept, prompt, keep: 0, new: kept };
  ollama.log.warn("llama_server.go:317", "truncating input prompt", fields);
  return kept;
}

function dieIfTold(ollama: Ollama): void {
  const { runnerDies } = ollama.faults.now;
  if (runnerDies !== undefined) throw stopped(runnerDies);
}

function stopped(why: string): Error {
  return new Error(
    `model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details: ${why}`,
  );
}
