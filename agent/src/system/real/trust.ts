import { readFile, stat } from "node:fs/promises";
import type { SecureContext } from "node:tls";
import { createSecureContext, rootCertificates } from "node:tls";
import { unless } from "./system-error.ts";

/** Where Debian, Red Hat and SUSE keep what the machine's operator trusts, in this order. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];
const KEPT = 4;

/** Built contexts, by the state of the system's bundle and the CA: a hundred parsed certificates each, so few. */
const contexts = new Map<string, SecureContext>();

/** The system's trust and `ca`. A bundle that `update-ca-certificates` wrote anew is read again. */
export async function trustOf(ca: string | undefined): Promise<SecureContext> {
  const system = await systemBundle();
  const key = `${system.version}\n${ca ?? ""}`;
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const roots = system.path === null ? rootCertificates : [await readFile(system.path, "utf8")];
  const context = createSecureContext({ ca: ca === undefined ? [...roots] : [...roots, ca] });
  const oldest = contexts.keys().next().value;
  if (contexts.size >= KEPT && oldest !== undefined) contexts.delete(oldest);
  contexts.set(key, context);
  return context;
}

async function systemBundle(): Promise<{ path: string | null; version: string }> {
  for (const path of SYSTEM_BUNDLES) {
    const stats = await unless(["ENOENT", "ENOTDIR"], () => stat(path));
    if (stats !== null) return { path, version: `${path} ${stats.ino} ${stats.mtimeMs}` };
  }
  // A machine without any: what Node brings along.
  return { path: null, version: "node" };
}
