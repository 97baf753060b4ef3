/** `[scheme://]host/namespace/model:tag`, the parts that are missing filled in. */
export interface ModelName {
  scheme: string;
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

export const DEFAULT_HOST = "registry.ollama.ai";
const DEFAULT_NAMESPACE = "library";

export function parseName(text: string): ModelName {
  const tagAt = text.lastIndexOf(":") > text.lastIndexOf("/") ? text.lastIndexOf(":") : text.length;
  const tag = tagAt === text.length ? "latest" : text.slice(tagAt + 1);
  const parts = text.slice(0, tagAt).split("/");
  const model = parts.pop() ?? "";
  const namespace = parts.pop() ?? DEFAULT_NAMESPACE;
  const rest = parts.join("/");
  const schemeAt = rest.indexOf("://");
  const host = schemeAt < 0 ? rest : rest.slice(schemeAt + 3);
  const scheme = schemeAt < 0 ? "https" : rest.slice(0, schemeAt);
  return { scheme, host: host || DEFAULT_HOST, namespace, model, tag };
}

const PART = /^\w[\w.-]{0,79}$/;
const HOST = /^\w[\w.:-]{0,349}$/;

export function isValid(name: ModelName): boolean {
  return (
    HOST.test(name.host) &&
    PART.test(name.namespace) &&
    !name.namespace.includes(".") &&
    PART.test(name.model) &&
    PART.test(name.tag)
  );
}

/** The name as people write it: the default host and namespace left out, the tag always there. */
export function showName(name: ModelName): string {
  const last = `${name.model}:${name.tag}`;
  if (name.host.toLowerCase() !== DEFAULT_HOST) return `${name.host}/${name.namespace}/${last}`;
  return name.namespace.toLowerCase() === DEFAULT_NAMESPACE ? last : `${name.namespace}/${last}`;
}

/** Where the manifest lies below `manifests`. */
export function pathParts(name: ModelName): string[] {
  return [name.host, name.namespace, name.model, name.tag];
}
