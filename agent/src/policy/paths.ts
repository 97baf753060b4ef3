import type { PathKind } from "./facts.ts";
import { entry, type Refusal, shown } from "./refusal.ts";

const PLAIN = /^(\/[A-Za-z0-9_@+,=%~-][A-Za-z0-9_.@+,=%~-]*|\/\.[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*)+$/;

/** Where secrets, devices and other programs' state live; a folder stands for all below it. */
const SENSITIVE = [
  "/proc",
  "/sys",
  "/dev",
  "/run",
  "/var/run",
  "/boot",
  "/root",
  "/home",
  "/etc/ssh",
  "/etc/gitlab",
  "/etc/ssl/private",
  "/etc/pki/tls/private",
  "/etc/letsencrypt",
  "/etc/sudoers.d",
  "/etc/docker",
  "/var/lib",
  "/var/opt",
  "/var/log",
  "/opt/gitlab",
  "/tmp",
  "/var/tmp",
] as const;
/** Folders inside those that hold public certificates only. */
const PUBLIC = ["/etc/gitlab/trusted-certs", "/var/lib/ca-certificates"] as const;
const CERTIFICATE = /\.(pem|crt|cer)$/;
export const TOKEN_FOLDER = "/etc/fettle";

interface PathRule {
  readonly what: string;
  readonly under: string;
  readonly allowed: readonly string[];
}

/** A file of public certificates: a plain path, outside sensitive places unless agent.yaml names it, a regular file. */
export function certificateFileRefusal(path: string, kind: PathKind | undefined, rule: PathRule): Refusal | null {
  const found = shown(path);
  const { what } = rule;
  if (!PLAIN.test(path)) return { code: "policy.path-shape", args: { what, found } };
  if (!rule.allowed.includes(path)) {
    const line = entry(rule.under, path);
    const suggestion = "/usr/local/share/ca-certificates/";
    if (isSensitive(path)) return { code: "policy.path-sensitive", args: { what, found, suggestion, ...line } };
    if (!CERTIFICATE.test(path)) return { code: "policy.path-name", args: { what, found, ...line } };
  }
  return kindRefusal(what, path, kind);
}

/** The file with GitLab's token: in /etc/fettle or named by agent.yaml, and never agent.yaml itself. */
export function tokenFileRefusal(path: string, kind: PathKind | undefined, allowed: readonly string[]): Refusal | null {
  const what = "The token file";
  if (!PLAIN.test(path)) return { code: "policy.path-shape", args: { what, found: shown(path) } };
  const here = within(path, TOKEN_FOLDER) && !path.endsWith("/agent.yaml") && !path.endsWith("/coordinator.yaml");
  if (!here && !allowed.includes(path))
    return { code: "policy.token-file", args: { found: shown(path), ...entry("policy.gitlab.tokenFiles", path) } };
  return kindRefusal(what, path, kind);
}

/** An absent file is no matter of policy: the resource says that it is missing. */
function kindRefusal(what: string, path: string, kind: PathKind | undefined): Refusal | null {
  if (kind === undefined || kind === "file" || kind === "absent") return null;
  return { code: "policy.path-kind", args: { what, found: shown(path), kind: `a ${kind}` } };
}

function isSensitive(path: string): boolean {
  if (PUBLIC.some((folder) => within(path, folder))) return false;
  return SENSITIVE.some((folder) => path === folder || within(path, folder));
}

function within(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
