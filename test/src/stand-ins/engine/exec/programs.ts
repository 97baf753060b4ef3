/** What every container has: curl and cat, no shell, and the bundle of public authorities that images bring along. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { fileURLToPath } from "node:url";
import type { Common } from "../containers/command.ts";

const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

export function commonPrograms(root: string, curl: string | undefined, hostPath: (path: string) => string): Common {
  return {
    programs: { curl: [process.execPath, curl ?? besideThis()], cat: ["/bin/cat"] },
    file: (path) => (path === BUNDLE ? imageBundle(root) : undefined),
    hostPath,
  };
}

/** As source it is TypeScript in the folder above; in a bundle it lies beside the bundle. */
function besideThis(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../curl.ts" : "./curl.mjs", import.meta.url));
}

/** Written when it is first asked for. */
function imageBundle(root: string): string {
  const file = join(root, "ca-certificates.crt");
  if (!existsSync(file)) writeFileSync(file, `${rootCertificates.join("\n")}\n`);
  return file;
}
