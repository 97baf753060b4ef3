import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import t from "tap";
import { readConfig } from "./config.ts";
import { putImage, putLayer } from "./image-manifest.ts";
import { imageRegistry } from "./image-registry.ts";
import { putTag } from "./image-store.ts";
import { ensureAuthority, issue } from "./pki.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-registry-"));
const config = { ...readConfig({}, {}), folder };
await ensureAuthority(config);
const { certificate, key } = await issue(config, ["localhost"], ["127.0.0.1"]);
const layer = putLayer(folder, Buffer.from("a layer's tar"));
const digest = putImage(folder, [layer], { Env: [], Cmd: ["node"], ExposedPorts: {} });
for (const tag of ["v1", "v2", "v3"]) putTag(folder, "group/project", tag, digest);

const answers = imageRegistry({ folder, tokenUrl: "https://token.test/jwt/auth", log: (line) => t.comment(line) });
const server = createServer({ cert: certificate, key }, answers);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const port = (server.address() as AddressInfo).port;
t.teardown(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const blob = `/v2/group/project/blobs/${layer.digest}`;
const cases = [
  { path: "/v2/", status: 200, body: /^{}$/ },
  { path: "/v2/", token: "", status: 401, headers: { "www-authenticate": /realm="https:\/\/token.test\/jwt\/auth"/ } },
  { path: blob, token: "", status: 401, headers: { "www-authenticate": /scope="repository:group\/project:pull"/ } },
  { path: "/jwt/auth?service=container_registry", token: "", status: 200, body: /"token":"anonymous"/ },
  { path: "/v2/group/project/manifests/v2", status: 200, headers: { "docker-content-digest": new RegExp(digest) } },
  { path: `/v2/group/project/manifests/${digest}`, status: 200, body: /"schemaVersion":2/ },
  { path: "/v2/group/project/manifests/v9", status: 404, body: /MANIFEST_UNKNOWN/ },
  { path: "/v2/group/other/manifests/v2", status: 404, body: /NAME_UNKNOWN/ },
  { path: "/v2/group/project/blobs/sha256:../../tags.json", status: 404, body: /_UNKNOWN/ },
  { path: blob, status: 200, headers: { "content-length": new RegExp(`^${layer.size}$`) } },
  {
    path: blob,
    range: "bytes=5-",
    status: 206,
    headers: { "content-range": new RegExp(`^bytes 5-.*/${layer.size}$`) },
  },
  { path: "/v2/group/project/tags/list", status: 200, body: /"tags":\["v1","v2","v3"\]/ },
  { path: "/v2/group/project/tags/list?n=2", status: 200, headers: { link: /n=2&last=v2>; rel="next"/ } },
  { path: "/v2/group/project/tags/list?n=2&last=v2", status: 200, body: /"tags":\["v3"\]/ },
];

for (const { path, token = "anonymous", range, status, headers = {}, body = /./ } of cases) {
  t.test(`GET ${path.slice(0, 60)} ${range ?? ""} as ${token || "nobody"} is ${status}`, async (t) => {
    const sent = { authorization: `Bearer ${token}`, ...(range === undefined ? {} : { range }) };
    // Only the authority of this lab may have signed the server's certificate.
    const request = get({ host: "127.0.0.1", port, path, headers: sent, ca: [authority()] });
    const [response] = await once(request, "response");
    t.equal(response.statusCode, status);
    for (const [name, expected] of Object.entries(headers)) t.match(response.headers[name], expected);
    t.match(await text(response), body);
  });
}

function authority(): Buffer {
  return readFileSync(join(folder, "pki/ca.pem"));
}
