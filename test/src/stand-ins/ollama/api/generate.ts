import type { Ollama } from "../context.ts";
import type { Metrics } from "../run/inference.ts";
import { type Body, bodyOf, type Exchange, openLines, sendJson, textIn } from "./exchange.ts";
import { answer, type InferenceRequest, inferenceRequest, withRunner } from "./inference-request.ts";

/** How the two native protocols differ: where the text stands. */
type Put = (text: string) => Record<string, unknown>;

/** POST /api/generate. Without a prompt it loads the model, or unloads it when `keep_alive` is 0. */
export async function generate(ollama: Ollama, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  const prompt = textIn(body, "prompt");
  await native(ollama, exchange, body, prompt, (text) => ({ response: text }), prompt === "");
}

/** POST /api/chat: the same with messages. */
export async function chat(ollama: Ollama, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  const messages = Array.isArray(body.messages) ? (body.messages as Body[]) : [];
  const put: Put = (text) => ({ message: { role: "assistant", content: text } });
  await native(ollama, exchange, body, promptOf(messages), put, messages.length === 0);
}

/** All that was said, as one text. A message's content is a text or a list of parts. */
export function promptOf(messages: Body[]): string {
  const parts = messages.flatMap((message) => {
    const content = message.content;
    return Array.isArray(content)
      ? (content as Body[]).map((part) => textIn(part, "text"))
      : textIn(message, "content");
  });
  return parts.join("\n");
}

async function native(
  ollama: Ollama,
  exchange: Exchange,
  body: Body,
  prompt: string,
  put: Put,
  empty: boolean,
): Promise<void> {
  const asked = inferenceRequest(ollama, body, prompt);
  const line = (text: string, rest: Record<string, unknown>): Record<string, unknown> => {
    return { model: asked.shown, created_at: new Date().toISOString(), ...put(text), ...rest };
  };
  if (empty && asked.keepAlive === 0) {
    ollama.scheduler.expire(asked.model);
    return sendJson(exchange, 200, line("", { done: true, done_reason: "unload" }));
  }
  if (empty) {
    await withRunner(ollama, exchange, asked, async () => {});
    return sendJson(exchange, 200, line("", { done: true, done_reason: "load" }));
  }
  await (body.stream === false ? atOnce : streamed)(ollama, exchange, asked, line);
}

type Line = (text: string, rest: Record<string, unknown>) => Record<string, unknown>;

async function atOnce(ollama: Ollama, exchange: Exchange, asked: InferenceRequest, line: Line): Promise<void> {
  await withRunner(ollama, exchange, asked, async (runner, loadMs) => {
    let text = "";
    const metrics = await answer(ollama, runner, asked, exchange.gone, (token) => {
      text += token;
    });
    sendJson(exchange, 200, line(text, last(metrics, loadMs)));
  });
}

async function streamed(ollama: Ollama, exchange: Exchange, asked: InferenceRequest, line: Line): Promise<void> {
  await withRunner(ollama, exchange, asked, async (runner, loadMs) => {
    const write = openLines(exchange);
    try {
      const metrics = await answer(ollama, runner, asked, exchange.gone, (token) =>
        write(line(token, { done: false })),
      );
      write(line("", last(metrics, loadMs)));
    } catch (error) {
      if (exchange.gone.aborted || !exchange.response.headersSent) throw error;
      write({ error: (error as Error).message });
    }
    exchange.response.end();
  });
}

function last(metrics: Metrics, loadMs: number): Record<string, unknown> {
  const loadNs = Math.round(loadMs * 1e6);
  return {
    done: true,
    done_reason: metrics.reason,
    context: [1, 2, 3],
    total_duration: loadNs + metrics.promptNs + metrics.evalNs,
    load_duration: loadNs,
    prompt_eval_count: metrics.promptTokens,
    prompt_eval_duration: metrics.promptNs,
    eval_count: metrics.tokens,
    eval_duration: metrics.evalNs,
  };
}
