import { GATEWAY_MIRROR_REPOSITORY, GATEWAY_REPOSITORY } from "@fettle/shared/roles/gateway.ts";
import { entry, type Refusal, shown } from "./refusal.ts";

/** The mirror's name, in the three ways of writing it that the Engine takes for the same. */
const OFFICIAL = [
  GATEWAY_REPOSITORY,
  GATEWAY_MIRROR_REPOSITORY,
  `docker.io/${GATEWAY_MIRROR_REPOSITORY}`,
  `index.docker.io/${GATEWAY_MIRROR_REPOSITORY}`,
];
const REFERENCE =
  /^((?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:[._-][a-z0-9]+|\/[a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?$/;

/** An exact image reference: well formed, with a tag or digest, from an official or a locally named repository. */
export function imageRefusal(reference: string, repositories: readonly string[]): Refusal | null {
  const match = REFERENCE.exec(reference);
  const found = shown(reference);
  const repository = match?.[1];
  if (repository === undefined || (match?.[2] === undefined && !reference.includes("@")))
    return { code: "policy.image-reference", args: { found } };
  if (OFFICIAL.includes(repository) || repositories.includes(repository)) return null;
  return { code: "policy.image-repository", args: { found, ...entry("policy.gateway.images", repository) } };
}
