import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import { GATEWAY_PORT, type GatewayParams, PLATFORM_PORT } from "@fettle/shared/roles/gateway.ts";
import type { ContainerOrder } from "../../clients/engine/container.ts";
import { KEYS, type KeyName } from "./key-names.ts";
import { LABEL_IMAGE, LABEL_ROLE, LABEL_SPEC } from "./names.ts";

/** The gateway's container as it is to be. */
export interface Spec {
  /** The image's id in the Engine. */
  readonly imageId: string;
  /** What the container is made from, by digest where there is one. */
  readonly imageReference: string;
  /** As a person knows it. */
  readonly imageName: string;
  readonly env: Readonly<Record<string, string>>;
  /** Names of `env` whose values are never shown. */
  readonly secret: ReadonlySet<string>;
  /** Ports that are published, at `address` alone and under the same number. */
  readonly ports: readonly number[];
  readonly address: string;
  readonly caBundle: string | null;
  /** Over all of it and the bundle's content; secrets count by their own hash. */
  readonly hash: string;
}

export interface SpecParts {
  readonly imageId: string;
  readonly imageReference: string;
  readonly imageName: string;
  readonly keys: ReadonlyMap<KeyName, string>;
  /** Of the bundle's content; null when none is declared. */
  readonly caSha256: string | null;
}

/** Where the CA bundle is inside the container. */
export const CA_TARGET = "/etc/fettle/ca-bundle.crt";
/** `requests` reads the first, httpx and curl the second, the workflow service the third (facts: gitlab-duo.md 4.2). */
const CA_VARIABLES = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "DUO_WORKFLOW_GITLAB_SSL_CA_FILE"];

export const RESTART_POLICY = "unless-stopped";
export const SECURITY = ["no-new-privileges"];
export const LOG = { Type: "json-file", Config: { "max-size": "20m", "max-file": "5" } };

export function specOf(params: GatewayParams, parts: SpecParts): Spec {
  const { imageId, imageReference, imageName, keys, caSha256 } = parts;
  const secrets = Object.fromEntries([...keys].map(([name, pem]) => [KEYS[name], pem.trimEnd()]));
  const env = { ...plainEnvironment(params), ...secrets };
  const ports = params.platform ? [GATEWAY_PORT, PLATFORM_PORT] : [GATEWAY_PORT];
  const hashed = Object.entries(env).map(([name, value]) => [
    name,
    Object.hasOwn(secrets, name) ? sha256Hex(value) : value,
  ]);
  const { address, caBundle = null } = params;
  const hash = hashOf({ imageId, env: hashed, ports, address, caBundle, caSha256, RESTART_POLICY, SECURITY, LOG });
  const secret = new Set(Object.keys(secrets));
  return { imageId, imageReference, imageName, env, secret, ports, address, caBundle, hash };
}

/** Every name that the gateway is given beside its keys. Nothing here comes from the stack as a name. */
function plainEnvironment({ gitlabUrl, auth, platform, caBundle }: GatewayParams): Record<string, string> {
  const bypass = auth === "bypass";
  return {
    AIGW_GITLAB_URL: gitlabUrl,
    AIGW_GITLAB_API_URL: `${gitlabUrl}/api/v4/`,
    AIGW_CUSTOM_MODELS__ENABLED: "true",
    AIGW_AUTH__BYPASS_EXTERNAL: String(bypass),
    DUO_WORKFLOW_AUTH__ENABLED: String(!bypass),
    ...(platform ? { ENABLE_DUO_WORKFLOW_SERVICE: "true" } : {}),
    ...(caBundle === undefined ? {} : Object.fromEntries(CA_VARIABLES.map((name) => [name, CA_TARGET]))),
  };
}

export function portBindings({ ports, address }: Spec): Record<string, { HostIp: string; HostPort: string }[]> {
  return Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostIp: address, HostPort: String(port) }]]));
}

export function mountsOf({ caBundle }: Spec) {
  return caBundle === null ? [] : [{ Type: "bind", Source: caBundle, Target: CA_TARGET, ReadOnly: true }];
}

export function orderOf(spec: Spec): ContainerOrder {
  return {
    Image: spec.imageReference,
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: { [LABEL_ROLE]: "gateway", [LABEL_SPEC]: spec.hash, [LABEL_IMAGE]: spec.imageName },
    ExposedPorts: Object.fromEntries(spec.ports.map((port) => [`${port}/tcp`, {}])),
    HostConfig: {
      PortBindings: portBindings(spec),
      Mounts: mountsOf(spec),
      RestartPolicy: { Name: RESTART_POLICY },
      SecurityOpt: SECURITY,
      LogConfig: LOG,
    },
  };
}
