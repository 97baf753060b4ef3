/**
 * The image of the contract's cases, twice: as the stand-in's definition and as an archive for a real Engine. Both
 * have the same programs: `serve` (says its variable on both streams, answers HTTP on 8080, ends on SIGTERM),
 * `stubborn` (does not), `fail` (says so, ends with 3), `print` (its arguments), `show` (a variable), `cat`.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type Docker from "dockerode";
import { type Entry, ustar } from "../ollama/ustar.ts";
import type { ImageDefinition } from "./images/definition.ts";

export const CONTRACT_IMAGE = "fettle/contract:1";

const BAKED = { CONTRACT: "baked", PATH: "/bin" };
const LABELS = { "fettle.contract": "image" };

export const contractDefinition: ImageDefinition = {
  reference: CONTRACT_IMAGE,
  local: true,
  env: BAKED,
  labels: LABELS,
  cmd: ["serve"],
  exposedPorts: { "8080/tcp": { hostEnv: "SERVE_HOST", portEnv: "SERVE_PORT" } },
  programs: {
    serve: [process.execPath, fileURLToPath(new URL("./contract-serve.ts", import.meta.url))],
    stubborn: ["/bin/sh", "-c", "trap '' TERM; echo out; while :; do sleep 1; done"],
    fail: ["/bin/sh", "-c", "echo failing; exit 3"],
    print: ["/bin/echo"],
    show: ["/usr/bin/printenv"],
  },
};

const scripts: Record<string, string> = {
  serve: `trap 'exit 0' TERM
echo "out $CONTRACT"
echo "err $CONTRACT" >&2
httpd -p 8080 -h /www
while :; do sleep 1 & wait $!; done`,
  stubborn: "trap '' TERM\necho out\nwhile :; do sleep 1; done",
  fail: "echo failing\nexit 3",
  print: 'echo "$@"',
  show: 'eval "echo \\$$1"',
};

function entries(busybox: string): Entry[] {
  const applets = ["sh", "sleep", "echo", "httpd", "cat"];
  return [
    { path: "bin/" },
    { path: "www/" },
    { path: "tmp/" },
    { path: "www/index.html", content: "served\n" },
    { path: "bin/busybox", mode: 0o755, content: readFileSync(busybox) },
    ...applets.map((name) => ({ path: `bin/${name}`, mode: 0o777, link: "busybox" })),
    ...Object.entries(scripts).map(([name, text]) => ({
      path: `bin/${name}`,
      mode: 0o755,
      content: `#!/bin/sh\n${text}\n`,
    })),
  ];
}

/** Gives a real Engine the image, made of a statically linked busybox. */
export async function importContractImage(docker: Docker, busybox: string): Promise<void> {
  const changes = [
    'CMD ["serve"]',
    "EXPOSE 8080/tcp",
    ...Object.entries(BAKED).map(([name, value]) => `ENV ${name}=${value}`),
    ...Object.entries(LABELS).map(([name, value]) => `LABEL ${name}=${value}`),
  ];
  const [repo, tag] = CONTRACT_IMAGE.split(":");
  const answer = await docker.importImage(Readable.from(ustar(entries(busybox))), { repo, tag, changes });
  // Its end is when the image is there.
  await once(answer.resume(), "end");
}
