import type { Ollama } from "../context.ts";
import { showName } from "../models/model-name.ts";
import type { Metrics } from "../run/inference.ts";
import { ApiError, type Body, bodyOf, type Exchange, sendJson, textIn } from "./exchange.ts";
import { promptOf } from "./generate.ts";
import { answer, type InferenceRequest, inferenceRequest, withRunner } from "./inference-request.ts";
import { listed } from "./models.ts";

/** GET /v1/models: `data` is null when there is none. */
export async function models(ollama: Ollama, exchange: Exchange): Promise<void> {
  const data = listed(ollama).map(({ stored }) => ({
    id: showName(stored.name),
    object: "model",
    created: Math.floor(stored.modifiedAt.getTime() / 1000),
    owned_by: stored.name.namespace,
  }));
  sendJson(exchange, 200, { object: "list", data: data.length === 0 ? null : data });
}

/** GET /v1/models/:model */
export async function model(ollama: Ollama, exchange: Exchange): Promise<void> {
  const wanted = exchange.params.model ?? "";
  const found = listed(ollama).find(({ stored }) => showName(stored.name) === wanted);
  if (found === undefined) throw new ApiError(404, `model '${wanted}' not found`);
  const created = Math.floor(found.stored.modifiedAt.getTime() / 1000);
  sendJson(exchange, 200, { id: wanted, object: "model", created, owned_by: found.stored.name.namespace });
}

/** POST /v1/chat/completions. It carries neither context nor keep_alive; an API key is ignored. */
export async function chatCompletions(ollama: Ollama, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  const messages = Array.isArray(body.messages) ? (body.messages as Body[]) : [];
  if (messages.length === 0) throw new ApiError(400, "[] is too short - 'messages'");
  await complete(ollama, exchange, body, promptOf(messages), CHAT);
}

/** POST /v1/completions */
export async function completions(ollama: Ollama, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  await complete(ollama, exchange, body, textIn(body, "prompt") || " ", TEXT);
}

interface Form {
  prefix: string;
  object: string;
  chunkObject: string;
  whole: (text: string, reason: string) => Record<string, unknown>;
  chunk: (text: string, first: boolean) => Record<string, unknown>;
  finish: Record<string, unknown>;
}

const CHAT: Form = {
  prefix: "chatcmpl-",
  object: "chat.completion",
  chunkObject: "chat.completion.chunk",
  whole: (text, reason) => ({ message: { role: "assistant", content: text }, finish_reason: reason }),
  chunk: (text, first) => ({ delta: { ...(first && { role: "assistant" }), content: text }, finish_reason: null }),
  finish: { delta: {} },
};

const TEXT: Form = {
  prefix: "cmpl-",
  object: "text_completion",
  chunkObject: "text_completion",
  whole: (text, reason) => ({ text, finish_reason: reason }),
  chunk: (text) => ({ text, finish_reason: null }),
  finish: { text: "" },
};

async function complete(ollama: Ollama, exchange: Exchange, body: Body, prompt: string, form: Form): Promise<void> {
  // Neither of them exists in this protocol, whatever a client sends.
  const asked = inferenceRequest(ollama, { ...body, options: undefined, keep_alive: undefined }, prompt);
  await (body.stream === true ? streamed : atOnce)(ollama, exchange, asked, form, body);
}

let count = 0;

function head(asked: InferenceRequest, form: Form, object: string): Record<string, unknown> {
  count = (count % 999) + 1;
  const created = Math.floor(Date.now() / 1000);
  return { id: `${form.prefix}${count}`, object, created, model: asked.shown, system_fingerprint: "fp_ollama" };
}

function usage(metrics: Metrics): Record<string, number> {
  const { promptTokens, tokens } = metrics;
  return { prompt_tokens: promptTokens, completion_tokens: tokens, total_tokens: promptTokens + tokens };
}

async function atOnce(ollama: Ollama, exchange: Exchange, asked: InferenceRequest, form: Form): Promise<void> {
  await withRunner(ollama, exchange, asked, async (runner) => {
    let text = "";
    const metrics = await answer(ollama, runner, asked, exchange.gone, (token) => {
      text += token;
    });
    const choices = [{ index: 0, ...form.whole(text, metrics.reason) }];
    sendJson(exchange, 200, { ...head(asked, form, form.object), choices, usage: usage(metrics) });
  });
}

/** Server-sent events. A failure in the middle stays status 200 and just ends: no finish_reason, no [DONE]. */
async function streamed(
  ollama: Ollama,
  exchange: Exchange,
  asked: InferenceRequest,
  form: Form,
  body: Body,
): Promise<void> {
  const { response } = exchange;
  const shared = head(asked, form, form.chunkObject);
  const event = (value: unknown): void => {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${JSON.stringify(value)}\n\n`);
  };
  await withRunner(ollama, exchange, asked, async (runner) => {
    const token = (text: string): void => {
      event({ ...shared, choices: [{ index: 0, ...form.chunk(text, !response.headersSent) }] });
    };
    try {
      const metrics = await answer(ollama, runner, asked, exchange.gone, token);
      event({ ...shared, choices: [{ index: 0, ...form.finish, finish_reason: metrics.reason }] });
      if (wantsUsage(body)) event({ ...shared, choices: [], usage: usage(metrics) });
      response.write("data: [DONE]\n\n");
    } catch (error) {
      if (exchange.gone.aborted || !response.headersSent) throw error;
    }
    response.end();
  });
}

function wantsUsage(body: Body): boolean {
  const options = body.stream_options;
  return typeof options === "object" && options !== null && (options as Body).include_usage === true;
}
