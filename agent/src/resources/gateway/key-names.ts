import type { GatewayImage } from "@fettle/shared/roles/gateway.ts";
import { isAtLeast, versionOf } from "./gateway-version.ts";

export const KEYS = {
  "aigw-signing": "AIGW_SELF_SIGNED_JWT__SIGNING_KEY",
  "aigw-validation": "AIGW_SELF_SIGNED_JWT__VALIDATION_KEY",
  "duo-workflow-signing": "DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY",
  "duo-workflow-validation": "DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY",
} as const;
export type KeyName = keyof typeof KEYS;

const ALL = Object.keys(KEYS) as KeyName[];

/**
 * The keys that a version wants (facts: gitlab-duo.md section 4.2): none in 17, the workflow's signing key from 18.4,
 * all four after 18.10. The gateway's own pair is given from 18.4 on too: without it tokens for direct connections
 * cannot be made, and no version minds it. null while the version is unknown; a tag that does not say gets all.
 */
export function keysFor(image: GatewayImage): readonly KeyName[] | null {
  const version = versionOf(image);
  if (version === null) return null;
  if (version === undefined || isAtLeast(version, 18, 11)) return ALL;
  if (!isAtLeast(version, 18, 4)) return [];
  return ["aigw-signing", "aigw-validation", "duo-workflow-signing"];
}
