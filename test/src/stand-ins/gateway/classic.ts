/** The older routes, which carry the model beside the text: chat and code suggestions. */
import { type Fields, fields, text } from "./body.ts";
import type { Completion } from "./completion.ts";
import { type InferenceContext, infer } from "./inference.ts";
import { type Message, type Model, modelOf } from "./model.ts";
import { HttpProblem, invalid, type Reply } from "./reply.ts";

const CODE_TIMEOUT_MS = 60_000;

export async function chatAgent(
  body: Fields,
  context: InferenceContext,
  nowMs: number,
  signal: AbortSignal,
): Promise<Reply> {
  const [component] = Array.isArray(body.prompt_components) ? body.prompt_components : [];
  const payload = fields(fields(component)?.payload);
  if (payload === undefined) throw invalid();
  const model = modelIn(payload);
  const wanted = { model, messages: messagesOf(payload.content), maxTokens: 2048, stream: body.stream === true };
  const metadata = { provider: text(payload.provider), model: text(payload.model), timestamp: seconds(nowMs) };
  return await infer({ ...wanted, timeoutMs: undefined, signal }, context, ({ text: response }) => ({
    response,
    metadata,
  }));
}

export async function codeSuggestion(
  body: Fields,
  context: InferenceContext,
  nowMs: number,
  signal: AbortSignal,
): Promise<Reply> {
  const file = fields(body.current_file);
  if (file === undefined || typeof file.content_above_cursor !== "string") throw invalid();
  const model = modelIn(body);
  const asked = body.prompt === undefined ? file.content_above_cursor + text(file.content_below_cursor) : body.prompt;
  const wanted = { model, messages: messagesOf(asked), maxTokens: 2048, stream: body.stream === true };
  return await infer({ ...wanted, timeoutMs: CODE_TIMEOUT_MS, signal }, context, (completion) =>
    suggestion(completion, model, nowMs),
  );
}

function suggestion(completion: Completion, model: Model, nowMs: number): unknown {
  return {
    id: "id",
    model: { engine: "litellm", name: model.name, lang: "" },
    experiments: [],
    object: "text_completion",
    created: seconds(nowMs),
    choices: [{ text: completion.text, index: 0, finish_reason: "length" }],
  };
}

function modelIn(source: Fields): Model {
  const endpoint = text(source.model_endpoint);
  if (!URL.canParse(endpoint)) throw new HttpProblem(421, "401: Unauthorized");
  return modelOf(text(source.model_identifier) || text(source.model_name), endpoint, text(source.model_api_key));
}

function messagesOf(content: unknown): Message[] {
  if (typeof content === "string") return [{ role: "user", content }];
  if (!Array.isArray(content)) throw invalid();
  return content.map((one) => ({ role: text(fields(one)?.role), content: text(fields(one)?.content) }));
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
