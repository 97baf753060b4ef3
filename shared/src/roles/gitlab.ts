import * as z from "zod";
import { resourceName } from "../protocol/names.ts";
import { probeTarget } from "./probe.ts";
import { GB, type Role } from "./role.ts";

/** Every family that some GitLab version takes; which of them this GitLab takes is found by introspection. */
export const MODEL_FAMILIES = [
  "CLAUDE_3",
  "CODEGEMMA",
  "CODELLAMA",
  "CODESTRAL",
  "DEEPSEEKCODER",
  "EMBEDDING",
  "GEMINI",
  "GENERAL",
  "GPT",
  "LLAMA3",
  "MISTRAL",
  "MIXTRAL",
  "QWEN",
] as const;

/** Every feature that some GitLab version has. */
export const FEATURES = [
  "CODE_COMPLETIONS",
  "CODE_GENERATIONS",
  "DUO_AGENT_PLATFORM",
  "DUO_AGENT_PLATFORM_AGENTIC_CHAT",
  "DUO_CHAT",
  "DUO_CHAT_EXPLAIN_CODE",
  "DUO_CHAT_EXPLAIN_VULNERABILITY",
  "DUO_CHAT_FIX_CODE",
  "DUO_CHAT_REFACTOR_CODE",
  "DUO_CHAT_SUMMARIZE_COMMENTS",
  "DUO_CHAT_TROUBLESHOOT_JOB",
  "DUO_CHAT_WRITE_TESTS",
  "FEATURE_DISCOVERY_SEARCH",
  "GENERATE_COMMIT_MESSAGE",
  "GLAB_ASK_GIT_COMMAND",
  "RESOLVE_DEPENDENCY_BUMP",
  "RESOLVE_VULNERABILITY",
  "REVIEW_MERGE_REQUEST",
  "REVIEW_MERGE_REQUEST_DAP",
  "SAST_VULNERABILITY_FP_DETECTION",
  "SAST_VULNERABILITY_RESOLUTION",
  "SECRET_VULNERABILITY_FP_DETECTION",
  "SECURITY_REVIEW",
  "SUMMARIZE_NEW_MERGE_REQUEST",
  "SUMMARIZE_REVIEW",
] as const;

/** A model record as GitLab is to hold it. */
export const gitlabModel = z.strictObject({
  /** The model's key in the stack file. */
  key: resourceName.max(63),
  displayName: z.string().min(1).max(255),
  family: z.enum(MODEL_FAMILIES),
  /** The model server's OpenAI endpoint; ends in /v1. */
  endpoint: z.string().max(255),
  /** Always `custom_openai/<model>`, so that a slash in the model's name is not read as a provider. */
  identifier: z
    .string()
    .max(255)
    .regex(/^custom_openai\/.+$/),
});
export type GitlabModel = z.infer<typeof gitlabModel>;

export const gitlabFeature = z.strictObject({
  feature: z.enum(FEATURES),
  /** The key of one of `models`; null is explicitly off. */
  model: z.string().max(63).nullable(),
  policy: z.enum(["repair", "alert"]),
});
export type GitlabFeature = z.infer<typeof gitlabFeature>;

/** Where the token comes from: made on the VM with the operator's consent, or a file there. */
export const gitlabToken = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("mint"), actor: z.string().max(255) }),
  z.strictObject({ kind: z.literal("file"), path: z.string().max(500) }),
]);

export const gitlabParams = z.strictObject({
  address: z.string().max(64),
  url: z.string().max(255),
  /** A CA file on this VM that GitLab's certificate is verified with, beside the system's. */
  ca: z.string().max(500).optional(),
  token: gitlabToken,
  seats: z.array(resourceName).max(500),
  /** As in `http://172.31.11.20:5052`. */
  gatewayUrl: z.string().max(255),
  timeoutSeconds: z.number().int().min(60).max(600).optional(),
  /** `host:50052` without a scheme, when the Agent Platform is wanted. */
  platformUrl: z.string().max(255).optional(),
  allowOutbound: z.boolean(),
  models: z.array(gitlabModel).max(50),
  features: z.array(gitlabFeature).max(50),
  probes: z.array(probeTarget).max(20),
});
export type GitlabParams = z.infer<typeof gitlabParams>;

export const gitlabRole = {
  name: "gitlab",
  params: gitlabParams,
  serves: "gitlab.ready",
  ports: [{ service: "gitlab", port: 443 }],
  gates: [
    { kind: "gitlab.model", fact: "its server's model in sync" },
    { kind: "gitlab.duo-settings", fact: "gateway ready" },
    { kind: "gitlab.answers", fact: "gateway ready and its model in sync" },
  ],
  capabilities: [
    "gitlab.host",
    "gitlab.ready",
    "gitlab.writable",
    "gitlab.token",
    "gitlab.tls",
    "gitlab.licence",
    "gitlab.outbound",
    "gitlab.duo-settings",
    "gitlab.seat",
    "gitlab.model",
    "gitlab.feature",
    "gitlab.answers",
  ],
  host: { diskBytes: 50 * GB, memoryBytes: 8 * GB },
} as const satisfies Role;
