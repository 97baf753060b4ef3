import { messageOf } from "@fettle/shared/lib/errors.ts";
import { callGateway, type GatewayAnswer } from "./gateway-call.ts";
import { isObject } from "./merge-patch.ts";
import type { Caller, World } from "./world.ts";

export interface ProbeResult {
  name: string;
  success: boolean;
  message: string;
  errors: string[];
  details: Record<string, unknown>;
}

/** The values under test; they need not be saved. */
export interface TestedModel {
  model: string;
  endpoint: string | null;
  identifier: string | null;
  apiToken: string | null;
  provider: string;
}

/** Real inference through the gateway, as the button "Test connection" does. */
export async function checkConnection(world: World, caller: Caller, tested: TestedModel): Promise<ProbeResult> {
  const problem = await tryModel(world, caller, tested);
  if (problem === null) return result(true, "Successfully connected to the self-hosted model", []);
  const message = `Self-hosted model test request failed: ${problem}`;
  return result(false, message, [message]);
}

async function tryModel(world: World, caller: Caller, tested: TestedModel): Promise<string | null> {
  const body = { stream: false, inputs: {}, model_metadata: modelMetadata(tested) };
  const timeoutMs = world.store.state.duoSettings.aiGatewayTimeoutSeconds * 1000;
  try {
    return problemIn(await callGateway(world, caller, "/v1/prompts/model_configuration%2Fcheck", body, timeoutMs));
  } catch (error) {
    return messageOf(error);
  }
}

function modelMetadata(tested: TestedModel): Record<string, unknown> {
  return {
    name: tested.model,
    endpoint: tested.endpoint,
    api_key: tested.apiToken,
    provider: tested.provider === "BEDROCK" ? "bedrock" : tested.provider === "VERTEX_AI" ? "vertex_ai" : "openai",
    identifier: tested.identifier ?? "",
  };
}

/** 421 is the gateway's word for a model server that answered with an error. */
export function problemIn(answer: GatewayAnswer): string | null {
  if (answer.status === 200) return null;
  const detail = detailOf(answer.body);
  if (answer.status === 421) return `The self-hosted model server returned code ${detail}`;
  return `AI Gateway returned code ${answer.status}: ${detail}`;
}

function detailOf(body: string): string {
  const parsed = parse(body);
  if (!isObject(parsed)) return "Unknown error";
  const { detail, error } = parsed;
  if (typeof detail === "string") return detail;
  const first: unknown = Array.isArray(detail) ? detail[0] : undefined;
  if (isObject(first) && typeof first.msg === "string") return first.msg;
  return typeof error === "string" ? error : "Unknown error";
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function result(success: boolean, message: string, errors: string[]): ProbeResult {
  return { name: "model_configuration_probe", success, message, errors, details: {} };
}
