import * as z from "zod";
import { probeTarget } from "./probe.ts";
import { GB, type Role } from "./role.ts";

export const GATEWAY_PORT = 5052;
export const PLATFORM_PORT = 50052;
export const GATEWAY_REPOSITORY =
  "registry.gitlab.com/gitlab-org/modelops/applied-ml/code-suggestions/ai-assist/model-gateway";
export const GATEWAY_MIRROR_REPOSITORY = "gitlab/model-gateway";
export const GATEWAY_CONTAINER = "fettle-gateway";

/** `auto`: the newest self-hosted-vX.Y.*-ee of GitLab's X.Y (null while that is unknown); or an exact reference. */
export const gatewayImage = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("auto"),
    track: z
      .string()
      .regex(/^\d+\.\d+$/)
      .nullable(),
  }),
  z.strictObject({ kind: z.literal("exact"), reference: z.string().max(300) }),
]);
export type GatewayImage = z.infer<typeof gatewayImage>;

export const gatewayParams = z.strictObject({
  /** The node's declared address; the container's ports are published on it alone. */
  address: z.string().max(64),
  image: gatewayImage,
  auth: z.enum(["jwt", "bypass"]),
  platform: z.boolean(),
  /** GitLab's URL with its scheme and without a trailing slash. */
  gitlabUrl: z.string().max(255),
  /** A CA bundle file on this VM for GitLab's private CA, mounted read-only into the container. */
  caBundle: z.string().max(500).optional(),
  drainMs: z.number().int().nonnegative(),
  probes: z.array(probeTarget).max(20),
});
export type GatewayParams = z.infer<typeof gatewayParams>;

export const gatewayRole = {
  name: "gateway",
  params: gatewayParams,
  serves: "gateway.ready",
  ports: [
    { service: "gateway", port: GATEWAY_PORT },
    { service: "platform", port: PLATFORM_PORT },
  ],
  gates: [
    { kind: "gateway.image", fact: "GitLab's version" },
    { kind: "gateway.previous", fact: "gitlab.answers since the swap" },
  ],
  capabilities: [
    "gateway.host",
    "gateway.docker",
    "gateway.keys",
    "gateway.image",
    "gateway.container",
    "gateway.previous",
    "gateway.ready",
    "gateway.auth",
    "gateway.gitlab-reachable",
  ],
  host: { diskBytes: 20 * GB, memoryBytes: 8 * GB },
} as const satisfies Role;
