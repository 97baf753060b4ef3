/** `/v1/prompts/<id>` and `/v2/prompts/<id>`: GitLab's own prompts, with the model that the request names. */
import { type Fields, fields, text } from "./body.ts";
import { type InferenceContext, infer } from "./inference.ts";
import { modelOf } from "./model.ts";
import { HttpProblem, invalid, type Reply } from "./reply.ts";

interface Prompt {
  maxTokens: number;
  timeoutMs?: number;
}

/** Prompts by their first segments; what a prompt binds outranks the gateway's settings. */
const prompts: Record<string, Prompt> = {
  "model_configuration/check": { maxTokens: 16, timeoutMs: 60_000 },
  "chat/react": { maxTokens: 4096, timeoutMs: 30_000 },
  "chat/agent": { maxTokens: 4096 },
  "chat/": { maxTokens: 4096, timeoutMs: 60_000 },
  "code_suggestions/": { maxTokens: 4096, timeoutMs: 60_000 },
  generate_commit_message: { maxTokens: 4096, timeoutMs: 60_000 },
  review_merge_request: { maxTokens: 4096, timeoutMs: 60_000 },
  summarize_: { maxTokens: 4096, timeoutMs: 60_000 },
};

export async function invokePrompt(
  version: 1 | 2,
  id: string,
  body: Fields,
  context: InferenceContext,
  signal: AbortSignal,
): Promise<Reply> {
  const inputs = fields(body.inputs);
  if (inputs === undefined) throw invalid();
  const known = Object.keys(prompts).find((prefix) => id.startsWith(prefix));
  const prompt = known === undefined ? undefined : prompts[known];
  if (prompt === undefined) throw new HttpProblem(404, `Prompt '${id}' not found`);
  const model = modelIn(body);
  const content = id === "model_configuration/check" ? "Just say hello." : asked(inputs);
  const wanted = { model, messages: [{ role: "user", content }], stream: body.stream === true, signal };
  return await infer({ ...wanted, maxTokens: prompt.maxTokens, timeoutMs: prompt.timeoutMs }, context, (completion) =>
    version === 1 ? completion.text : { content: completion.text, usage: { [model.name]: completion.usage } },
  );
}

/** Without metadata of its own a request goes to the vendor's model, for which a self-hosted gateway has no key. */
function modelIn(body: Fields): ReturnType<typeof modelOf> {
  const metadata = fields(body.model_metadata);
  const identifier = text(metadata?.identifier);
  const endpoint = text(metadata?.endpoint);
  if (identifier === "" || endpoint === "") throw new HttpProblem(421, "401: Unauthorized");
  if (endpoint.length > 255 || identifier.length > 1000 || text(metadata?.api_key).length > 2000) throw invalid();
  if (!URL.canParse(endpoint)) throw invalid();
  return modelOf(identifier, endpoint, text(metadata?.api_key));
}

function asked(inputs: Fields): string {
  return Object.values(inputs).map(text).filter(Boolean).join("\n");
}
