/** An image reference: what is written, and what it means. */
import { badRequest } from "../errors.ts";

export interface Reference {
  /** With its registry and, on Docker Hub, `library/`. */
  repository: string;
  /** As Docker shows it: Docker Hub's own parts left away. */
  familiar: string;
  tag: string | undefined;
  digest: string | undefined;
}

const HUB = "docker.io";
export const HUB_HOST = "registry-1.docker.io";

/** Neither tag nor digest: `latest` is meant. Throws 400 on a malformed one. */
export function parseReference(written: string): Reference {
  const [named = "", digest] = written.split("@");
  const colon = named.lastIndexOf(":");
  const tagged = colon > named.lastIndexOf("/");
  const name = tagged ? named.slice(0, colon) : named;
  if (name === "") throw badRequest("invalid reference format");
  if (name !== name.toLowerCase()) throw badRequest("invalid reference format: repository name must be lowercase");
  const repository = withRegistry(name);
  const familiar = repository.replace(`${HUB}/library/`, "").replace(`${HUB}/`, "");
  const tag = tagged ? named.slice(colon + 1) : undefined;
  return { repository, familiar, digest, tag: digest === undefined ? (tag ?? "latest") : tag };
}

export function written(reference: Reference): string {
  return reference.digest === undefined
    ? `${reference.familiar}:${reference.tag}`
    : `${reference.familiar}@${reference.digest}`;
}

/** The host that a pull of it asks. */
export function registryOf(reference: Reference): string {
  const [host = ""] = reference.repository.split("/");
  return host === HUB ? HUB_HOST : host;
}

function withRegistry(name: string): string {
  const [first = "", ...rest] = name.split("/");
  if (rest.length > 0 && (/[.:]/.test(first) || first === "localhost")) return name;
  return rest.length === 0 ? `${HUB}/library/${name}` : `${HUB}/${name}`;
}
