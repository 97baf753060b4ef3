/** Where a repository is asked for, and under which path. */
export interface ImageName {
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly path: string;
}

export interface ImageReference {
  /** As it is written, registry and all, as in `registry.gitlab.com/a/b` or `gitlab/model-gateway`. */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

const HUB = "registry-1.docker.io";

/** Docker Hub is what a name without a host means, and what docker.io means. */
export function splitRepository(repository: string): ImageName {
  const [first = "", ...rest] = repository.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  if (named && !["docker.io", "index.docker.io"].includes(first)) return { registry: first, path: rest.join("/") };
  const path = named ? rest.join("/") : repository;
  return { registry: HUB, path: path.includes("/") ? path : `library/${path}` };
}

/** Takes a reference apart; its form is local policy's to check. */
export function parseReference(reference: string): ImageReference {
  const [named = "", digest = null] = reference.split("@");
  const colon = named.lastIndexOf(":");
  const tagged = colon > named.lastIndexOf("/");
  return { repository: tagged ? named.slice(0, colon) : named, tag: tagged ? named.slice(colon + 1) : null, digest };
}

/** As the Engine writes it, which leaves Docker Hub's own parts away. */
export function familiar(repository: string): string {
  return repository.replace(/^(index\.)?docker\.io\/(library\/)?/, "");
}
