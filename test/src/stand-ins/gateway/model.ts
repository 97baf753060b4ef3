/** A model as a request describes it, and the call that LiteLLM makes of it. */
import { readFileSync } from "node:fs";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { PythonError } from "./log.ts";

export interface Model {
  provider: string;
  name: string;
  apiBase: string;
  apiKey: string;
}

export interface Message {
  role: string;
  content: string;
}

export interface Call {
  messages: Message[];
  maxTokens: number;
  stream: boolean;
  /** Longest wait for a byte of the answer. */
  timeoutMs: number;
  caFile: string | undefined;
  signal: AbortSignal;
}

/** Providers whose requests go to `<api_base>/chat/completions`. */
const OPENAI_LIKE = ["custom_openai", "openai", "hosted_vllm", "openai_like", "litellm_proxy"];

/** The identifier is cut at its first slash, whatever stands left of it; without one it is a custom_openai model. */
export function modelOf(identifier: string, endpoint: string, apiKey: string): Model {
  const slash = identifier.indexOf("/");
  const provider = slash > 0 && slash < identifier.length - 1 ? identifier.slice(0, slash) : "custom_openai";
  const name = provider === "custom_openai" && slash <= 0 ? identifier : identifier.slice(slash + 1);
  const key = apiKey || (provider === "custom_openai" ? "dummy_key" : "");
  return { provider, name, apiBase: endpoint.replace(/\/$/, ""), apiKey: key };
}

/** The answer's stream when the model said 200; else a PythonError, with the model's status where it gave one. */
export async function callModel(model: Model, call: Call): Promise<IncomingMessage> {
  if (!OPENAI_LIKE.includes(model.provider)) {
    throw litellm(
      "BadRequestError",
      `LLM Provider NOT provided. You passed model=${model.provider}/${model.name}`,
      400,
    );
  }
  const response = await send(model, call);
  const status = response.statusCode ?? 0;
  if (status === 200) return response;
  response.resume();
  throw litellm(classOf(status), `${model.provider}Exception - Error code: ${status}`, status);
}

function send(model: Model, call: Call): Promise<IncomingMessage> {
  const body = JSON.stringify({
    model: model.name,
    messages: call.messages,
    max_tokens: call.maxTokens,
    ...(call.stream ? { stream: true } : {}),
  });
  return new Promise((resolve, reject) => {
    const sent = open(model, call, body, resolve);
    sent.setTimeout(call.timeoutMs, () => sent.destroy(litellm("Timeout", "Connection timed out.", 408)));
    sent.on("error", (error) => {
      reject(
        error instanceof PythonError
          ? error
          : litellm("APIConnectionError", `${model.provider}Exception - Connection error.`),
      );
    });
    sent.end(body);
  });
}

function open(model: Model, call: Call, body: string, done: (response: IncomingMessage) => void): ClientRequest {
  const url = new URL(`${model.apiBase}/chat/completions`);
  const options = {
    method: "POST",
    agent: false,
    signal: call.signal,
    headers: {
      authorization: `Bearer ${model.apiKey}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
  };
  if (url.protocol !== "https:") return httpRequest(url, options, done);
  const ca = call.caFile === undefined ? {} : { ca: readFileSync(call.caFile, "utf8") };
  return httpsRequest(url, { ...options, ...ca }, done);
}

function classOf(status: number): string {
  if (status === 404) return "NotFoundError";
  if (status === 401) return "AuthenticationError";
  if (status === 429) return "RateLimitError";
  return status >= 500 ? "InternalServerError" : "BadRequestError";
}

function litellm(className: string, text: string, status?: number): PythonError {
  return new PythonError("litellm.exceptions", className, `litellm.${className}: ${text}`, status);
}
