import { kinds, type Shape } from "../control.ts";

export interface GatewayFaults {
  /** The process on 5052 dies, the container stays up. Clearing it brings nothing back: a restart does. */
  httpDead: boolean;
  /** The same for the process on 50052. */
  workflowDead: boolean;
  /** Connections on 5052 are accepted and never answered. */
  httpHangs: boolean;
  healthzStatus: number;
  workflowNotServing: boolean;
  startDelayMs: number;
  /** Every inference ends as an unreachable model does. */
  inferenceFails: boolean;
  /** Instead of the prompt's own time limit. */
  modelTimeoutMs: number;
  /** Instead of the 10 s that a fetch of keys may take. */
  oidcTimeoutMs: number;
  /** How long the default customer portal keeps each fetch of keys waiting, as on a machine without internet. */
  portalDelayMs: number;
  /** Valid tokens are refused too. */
  rejectsTokens: boolean;
  tokenCreationFails: boolean;
}

export const faultShape: Shape<GatewayFaults> = {
  httpDead: kinds.flag,
  workflowDead: kinds.flag,
  httpHangs: kinds.flag,
  healthzStatus: kinds.count,
  workflowNotServing: kinds.flag,
  startDelayMs: kinds.count,
  inferenceFails: kinds.flag,
  modelTimeoutMs: kinds.count,
  oidcTimeoutMs: kinds.count,
  portalDelayMs: kinds.count,
  rejectsTokens: kinds.flag,
  tokenCreationFails: kinds.flag,
};
