import { type GatewayParams, gatewayRole } from "@fettle/shared/roles/gateway.ts";
import { host } from "../resources/any/host.ts";
import { auth } from "../resources/gateway/auth.ts";
import { container } from "../resources/gateway/container.ts";
import { docker } from "../resources/gateway/docker.ts";
import type { Gateway } from "../resources/gateway/gateway.ts";
import { gitlabReachable } from "../resources/gateway/gitlab-reachable.ts";
import { image } from "../resources/gateway/image.ts";
import { keys } from "../resources/gateway/keys.ts";
import { SECRETS } from "../resources/gateway/names.ts";
import { previous } from "../resources/gateway/previous.ts";
import { ready } from "../resources/gateway/ready.ts";
import type { Resource } from "../resources/resource.ts";

/** The AI gateway on one VM: an Engine, the image, the container, and whether it serves and reaches GitLab. */
export function gatewayPlaybook(params: GatewayParams, remember: (secret: string) => void): Resource[] {
  const gateway: Gateway = { params, secretsFolder: SECRETS, remember };
  return [
    host("gateway", gatewayRole.host),
    docker(),
    keys(gateway),
    image(gateway),
    container(gateway),
    ready(gateway),
    auth(gateway),
    gitlabReachable(gateway),
    previous(gateway),
  ];
}
