import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import { parse } from "yaml";
import type { Files } from "../system/files.ts";
import type { PathKind } from "./facts.ts";

/** The paths on this machine that a role's parameters name, in any role's shape. */
function pathsIn(params: unknown): string[] {
  const { ca, token, caBundle } = params as Partial<GitlabParams & GatewayParams>;
  const tokenFile = token?.kind === "file" ? token.path : undefined;
  return [ca, tokenFile, caBundle].filter((path) => path !== undefined);
}

/** What lies at the paths that the parameters name. Only looks, opens nothing. */
export async function lookAtPaths(files: Files, params: unknown): Promise<Readonly<Record<string, PathKind>>> {
  const found: Record<string, PathKind> = {};
  for (const path of pathsIn(params)) {
    if (!path.startsWith("/") || path.includes("\0")) continue;
    found[path] = (await files.stat(path).catch(() => null))?.kind ?? "absent";
  }
  return found;
}

/** Where a packaged GitLab writes what it calls itself. */
const GITLAB_YML = "/var/opt/gitlab/gitlab-rails/etc/gitlab.yml";

/** The host that the GitLab on this machine calls its own; null when there is none or it cannot be read. */
export async function gitlabHost(files: Files): Promise<string | null> {
  try {
    const text = await files.readText(GITLAB_YML);
    const host: unknown = text === null ? null : parse(text, { merge: true })?.production?.gitlab?.host;
    return typeof host === "string" ? host.toLowerCase() : null;
  } catch {
    return null;
  }
}
