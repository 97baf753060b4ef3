import { managesModels } from "./licence.ts";
import { type Mutation, notAvailable } from "./mutation.ts";
import { outboundRefusal } from "./outbound.ts";
import type { State } from "./state.ts";
import { nowIso, stateOf } from "./world.ts";

interface SettingsInput {
  aiGatewayUrl?: string | null;
  aiGatewayTimeoutSeconds?: number | null;
  clientMutationId?: string | null;
  [setting: string]: unknown;
}

const SHORTEST_TIMEOUT = 60;
const LONGEST_TIMEOUT = 600;

/** Only what is named changes. An empty URL removes it; a trailing slash is cut off. */
export const updateDuoSettings: Mutation<SettingsInput> = {
  writes: true,
  run({ clientMutationId: _, ...input }, call) {
    if (!managesModels(call.world, call.caller)) throw notAvailable();
    const wanted = { ...input };
    if (typeof wanted.aiGatewayUrl === "string") wanted.aiGatewayUrl = wanted.aiGatewayUrl.replace(/\/$/, "") || null;
    const problems = validate(call.world.store.state, wanted);
    if (problems.length === 0) {
      call.world.store.change((state) => {
        Object.assign(state.duoSettings, wanted, { updatedAt: nowIso(call.world) });
      });
    }
    return { ...settings(call.world.store.state), errors: problems };
  },
  unchanged: (call) => settings(stateOf(call)),
};

/** Both shapes of the payload; the schema of the version takes its own. */
function settings(state: State): Record<string, unknown> {
  return { duoSettings: { ...state.duoSettings }, aiGatewayUrl: state.duoSettings.aiGatewayUrl };
}

function validate(state: State, wanted: SettingsInput): string[] {
  const problems: string[] = [];
  if (wanted.aiGatewayUrl) problems.push(...urlProblems(state, wanted.aiGatewayUrl));
  const seconds = wanted.aiGatewayTimeoutSeconds;
  const what = "Ai gateway timeout seconds must be";
  if (typeof seconds === "number" && seconds < SHORTEST_TIMEOUT) {
    problems.push(`${what} greater than or equal to ${SHORTEST_TIMEOUT}`);
  }
  if (typeof seconds === "number" && seconds > LONGEST_TIMEOUT) {
    problems.push(`${what} less than or equal to ${LONGEST_TIMEOUT}`);
  }
  return problems;
}

function urlProblems(state: State, value: string): string[] {
  if (!URL.canParse(value)) return ["Ai gateway url must be a valid URL"];
  if (!/^https?:\/\//.test(value)) return ["Ai gateway url is not allowed: Only allowed schemes are http, https"];
  const refusal = outboundRefusal(state, new URL(value));
  return refusal === null ? [] : [`Ai gateway url is not allowed: ${refusal}`];
}
