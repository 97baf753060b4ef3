import { checkConnection, type TestedModel } from "./connection-check.ts";
import { MODEL, parseGid } from "./gid.ts";
import { managesModels } from "./licence.ts";
import { type Mutation, notAvailable, type Payload, type SignedCall } from "./mutation.ts";
import type { ModelRecord, State } from "./state.ts";
import { modelView } from "./views.ts";
import { nowIso } from "./world.ts";

interface ModelInput {
  id?: string;
  name: string;
  model: string;
  endpoint?: string | null;
  identifier?: string | null;
  apiToken?: string | null;
  provider?: string | null;
}

const LONGEST_IDENTIFIER = 255;

export const createModel: Mutation<ModelInput> = {
  writes: true,
  run(input, call) {
    requireManager(call);
    const at = nowIso(call.world);
    const record: ModelRecord = { ...values(input), apiToken: input.apiToken ?? null, createdAt: at, updatedAt: at };
    const problems = validate(call.world.store.state, null, record);
    if (problems.length > 0) return { selfHostedModel: null, errors: [problems.join(", ")] };
    const id = call.world.store.nextId();
    return save(call, id, record);
  },
};

/** Wants the whole record; only an API token and an identifier that are not named stay as they were. */
export const updateModel: Mutation<ModelInput> = {
  writes: true,
  run(input, call) {
    requireManager(call);
    const id = parseGid(input.id ?? "", MODEL);
    const old = call.world.store.state.models[id];
    if (!old) throw notAvailable();
    const record: ModelRecord = {
      ...values(input),
      identifier: input.identifier === undefined ? old.identifier : (input.identifier ?? null),
      endpoint: input.endpoint === undefined ? old.endpoint : (input.endpoint ?? null),
      apiToken: input.apiToken === undefined ? old.apiToken : (input.apiToken ?? null),
      createdAt: old.createdAt,
      updatedAt: nowIso(call.world),
    };
    const problems = validate(call.world.store.state, id, record);
    if (problems.length > 0)
      return { selfHostedModel: modelView(call.world.store.state, id), errors: [problems.join(", ")] };
    return save(call, id, record);
  },
};

export const deleteModel: Mutation<{ id: string }> = {
  writes: true,
  run(input, call) {
    requireManager(call);
    const id = parseGid(input.id, MODEL);
    const { models, features } = call.world.store.state;
    if (!models[id]) throw notAvailable();
    const mapped = Object.values(features).some((row) => row.modelId === id);
    if (mapped) return { errors: ["Cannot delete record because dependent feature settings exist"] };
    call.world.store.change((state) => {
      delete state.models[id];
    });
    return { errors: [] };
  },
};

export const checkModel: Mutation<ModelInput> = {
  writes: false,
  async run(input, call) {
    requireManager(call);
    const tested: TestedModel = { ...values(input), apiToken: input.apiToken ?? null };
    const result = await checkConnection(call.world, call.caller, tested);
    return { result, errors: [] };
  },
};

function requireManager(call: SignedCall): void {
  if (!managesModels(call.world, call.caller)) throw notAvailable();
}

function values(input: ModelInput): Pick<ModelRecord, "name" | "model" | "endpoint" | "identifier" | "provider"> {
  return {
    name: input.name,
    model: input.model.toLowerCase(),
    endpoint: input.endpoint ?? null,
    identifier: input.identifier ?? null,
    provider: input.provider ?? "API",
  };
}

function save(call: SignedCall, id: string, record: ModelRecord): Payload {
  call.world.store.change((state) => {
    state.models[id] = record;
  });
  return { selfHostedModel: modelView(call.world.store.state, id), errors: [] };
}

/** The model's validations in ActiveRecord's words. */
function validate(state: State, id: string | null, record: ModelRecord): string[] {
  const problems: string[] = [];
  if (record.provider === "API") problems.push(...endpointProblems(record.endpoint));
  if (record.name.trim() === "") problems.push("Name can't be blank");
  const taken = Object.entries(state.models).some(([other, { name }]) => other !== id && name === record.name);
  if (taken) problems.push("Name has already been taken");
  if ((record.identifier ?? "").length > LONGEST_IDENTIFIER) {
    problems.push(`Identifier is too long (maximum is ${LONGEST_IDENTIFIER} characters)`);
  }
  return problems;
}

function endpointProblems(endpoint: string | null): string[] {
  if (!endpoint) return ["Endpoint can't be blank"];
  if (!URL.canParse(endpoint)) return ["Endpoint must be a valid URL"];
  if (!/^https?:\/\//.test(endpoint)) return ["Endpoint is not allowed: Only allowed schemes are http, https"];
  return [];
}
