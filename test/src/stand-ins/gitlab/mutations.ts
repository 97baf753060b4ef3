import { startAction } from "./chat-mutation.ts";
import { updateDuoSettings } from "./duo-settings-mutation.ts";
import { updateFeatures } from "./feature-mutation.ts";
import { checkModel, createModel, deleteModel, updateModel } from "./model-mutations.ts";
import { field, type Mutation, type MutationField } from "./mutation.ts";
import { assignSeat, assignSeats, removeSeat, removeSeats } from "./seat-mutations.ts";

const echo: Mutation<{ messages?: string[] | null; errors?: string[] | null }> = {
  writes: false,
  run: (input) => ({ echoes: input.messages ?? [], errors: input.errors ?? [] }),
};

/** One function per field of Mutation. */
export const MUTATIONS: Readonly<Record<string, MutationField>> = {
  aiSelfHostedModelCreate: field("aiSelfHostedModelCreate", createModel),
  aiSelfHostedModelUpdate: field("aiSelfHostedModelUpdate", updateModel),
  aiSelfHostedModelDelete: field("aiSelfHostedModelDelete", deleteModel),
  aiSelfHostedModelConnectionCheck: field("aiSelfHostedModelConnectionCheck", checkModel),
  aiFeatureSettingUpdate: field("aiFeatureSettingUpdate", updateFeatures),
  duoSettingsUpdate: field("duoSettingsUpdate", updateDuoSettings),
  userAddOnAssignmentCreate: field("userAddOnAssignmentCreate", assignSeat),
  userAddOnAssignmentRemove: field("userAddOnAssignmentRemove", removeSeat),
  userAddOnAssignmentBulkCreate: field("userAddOnAssignmentBulkCreate", assignSeats),
  userAddOnAssignmentBulkRemove: field("userAddOnAssignmentBulkRemove", removeSeats),
  aiAction: field("aiAction", startAction),
  echoCreate: field("echoCreate", echo),
};
