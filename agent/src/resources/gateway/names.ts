import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";

export const DOCKER_UNIT = "docker.service";
/** Made and not yet started. */
export const NEXT = `${GATEWAY_CONTAINER}-next`;
/** Set aside by the last swap. */
export const PREVIOUS = `${GATEWAY_CONTAINER}-previous`;

/** Tells what Fettle made from what others did. */
export const LABEL_ROLE = "dev.fettle.role";
export const LABEL_SPEC = "dev.fettle.spec";
/** The reference that a person knows the image by; the container names it by digest. */
export const LABEL_IMAGE = "dev.fettle.image";

export const SECRETS = "/var/lib/fettle-agent/secrets";
