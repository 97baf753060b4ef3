import { createHash } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import type { Instance } from "./instance.ts";
import { at, listing, type Tree } from "./metadata-tree.ts";

const root = "/computeMetadata/v1";

/**
 * The metadata server of Compute Engine: only for those who say `Metadata-Flavor: Google`; a folder is JSON with
 * `recursive=true`, and a request with `wait_for_change` is held until what it asks for is another, or time is over.
 * Reference: "View and query VM metadata" in the Compute Engine documentation.
 */
export function gcpMetadata(known: () => Instance): RequestListener {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://metadata.google.internal");
    response.setHeader("Metadata-Flavor", "Google");
    if (request.headers["metadata-flavor"] !== "Google") return void response.writeHead(403).end();
    if (!pathname.startsWith(`${root}/`)) return void response.writeHead(404).end();
    const look = () => at(treeOf(known()), pathname.slice(root.length));
    const until = Date.now() + 1000 * Math.min(Number(searchParams.get("timeout_sec") ?? 60), 60);
    const last = searchParams.has("wait_for_change") ? searchParams.get("last_etag") : null;
    const isText = searchParams.get("recursive") !== "true";
    const give = () => {
      const found = look();
      if (etagOf(found) === last && Date.now() < until && !response.destroyed) setTimeout(give, 500);
      else answer(response, found, isText);
    };
    give();
  };
}

function answer(response: ServerResponse, found: Tree | string | undefined, isText: boolean): void {
  if (found === undefined) return void response.writeHead(404).end();
  const text = typeof found === "string" ? found : isText ? listing(found) : JSON.stringify(found);
  const type = typeof found === "string" || isText ? "application/text" : "application/json";
  response.writeHead(200, { etag: etagOf(found), "content-type": type }).end(text);
}

function etagOf(found: Tree | string | undefined): string {
  return createHash("sha256")
    .update(JSON.stringify(found) ?? "")
    .digest("hex")
    .slice(0, 16);
}

function treeOf({ id, name, type, address, script }: Instance): Tree {
  const zone = "projects/1/zones/asia-northeast1-a";
  return {
    instance: {
      attributes: script === null ? {} : { "startup-script": script },
      id,
      name,
      hostname: `${name}.asia-northeast1-a.c.lab.internal`,
      "machine-type": `projects/1/machineTypes/${type}`,
      "network-interfaces": { 0: { ip: address } },
      zone,
    },
    project: { attributes: {}, "project-id": "lab" },
  };
}
