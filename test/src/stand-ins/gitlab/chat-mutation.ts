import { randomUUID } from "node:crypto";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import { GraphQLError } from "graphql";
import { problemIn } from "./connection-check.ts";
import { featureRow } from "./features.ts";
import { callGateway } from "./gateway-call.ts";
import { gid, THREAD } from "./gid.ts";
import { hasSeat } from "./licence.ts";
import { isObject } from "./merge-patch.ts";
import { type Mutation, notAvailable, type SignedCall } from "./mutation.ts";
import { generationOf } from "./schema.ts";
import { nowIso } from "./world.ts";

interface ActionInput {
  chat?: { content: string } | null;
  [action: string]: unknown;
}

const CHAT_TIMEOUT_MS = 60_000;
const ACTIONS = [
  "agenticChat",
  "chat",
  "explainVulnerability",
  "generateCommitMessage",
  "generateDescription",
  "measureCommentTemperature",
  "resolveVulnerability",
  "summarizeNewMergeRequest",
  "summarizeReview",
];

/** Takes the question and answers with an id at once; a background job asks the gateway. */
export const startAction: Mutation<ActionInput> = {
  writes: false,
  run(input, call) {
    const given = ACTIONS.filter((action) => input[action]);
    if (given.length !== 1) throw new GraphQLError("Only one method is allowed at a time.");
    if (!input.chat || !hasSeat(call.world, call.caller.userId)) throw notAvailable();
    const requestId = randomUUID();
    const threadId = "1";
    const { content } = input.chat;
    if (!call.world.faults.now.sidekiqDown) answerLater(call, requestId, threadId, content);
    return { requestId, threadId: gid(THREAD, threadId), errors: [] };
  },
};

function answerLater(call: SignedCall, requestId: string, threadId: string, content: string): void {
  const add = (answer: { content: string | null; errors: string[] }) =>
    call.world.chat.add({
      id: randomUUID(),
      requestId,
      userId: call.caller.userId,
      role: "ASSISTANT",
      timestamp: nowIso(call.world),
      threadId: gid(THREAD, threadId),
      ...answer,
    });
  ask(call, content).then(add, (error: unknown) =>
    add({ content: null, errors: [`I'm sorry, I can't generate a response. ${messageOf(error)} Error code: A1001`] }),
  );
}

/** The model that General Chat is mapped to answers; without a mapping the question would go to the vendor's. */
async function ask(call: SignedCall, content: string): Promise<{ content: string | null; errors: string[] }> {
  const { state } = call.world.store;
  const row = featureRow(state, "duo_chat", generationOf(state.version));
  const model = row.modelId ? state.models[row.modelId] : undefined;
  if (row.provider !== "self_hosted" || !model) throw new Error("General Chat has no self-hosted model.");
  const payload = {
    content: [{ role: "user", content }],
    provider: "litellm",
    model: model.model,
    model_endpoint: model.endpoint,
    model_api_key: model.apiToken,
    model_identifier: model.identifier,
  };
  const metadata = { source: "GitLab EE", version: state.version };
  const body = { prompt_components: [{ type: "prompt", metadata, payload }] };
  const answer = await callGateway(call.world, call.caller, "/v1/chat/agent", body, CHAT_TIMEOUT_MS);
  const problem = problemIn(answer);
  if (problem !== null) throw new Error(problem);
  const parsed: unknown = JSON.parse(answer.body);
  return { content: isObject(parsed) ? String(parsed.response) : null, errors: [] };
}
