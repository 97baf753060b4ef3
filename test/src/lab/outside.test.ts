import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import t from "tap";
import { outside } from "./outside.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-outside-"));
const folders = {
  images: join(folder, "images"),
  releases: join(folder, "releases"),
  packages: join(folder, "packages"),
};
mkdirSync(folders.images);
mkdirSync(folders.packages);
writeFileSync(join(folders.packages, "a b_1.0.deb"), "a package");
mkdirSync(join(folders.releases, "1.2.3"), { recursive: true });
writeFileSync(join(folders.releases, "1.2.3/sha256sum.txt"), "a sum");

const server = createServer(outside(folders, (line) => t.comment(line)));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
t.teardown(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const release = "/ollama/ollama/releases/download/v1.2.3/sha256sum.txt";
const cases = [
  { host: "registry.gitlab.com", path: "/v2/", status: 401, header: /realm="https:\/\/gitlab.com\/jwt\/auth"/ },
  { host: "gitlab.com", path: "/jwt/auth", status: 200, body: /"token"/ },
  { host: "registry-1.docker.io", path: "/v2/", status: 401, header: /realm="https:\/\/auth.docker.io\/token"/ },
  { host: "auth.docker.io", path: "/token?service=registry.docker.io", status: 200, body: /"token"/ },
  { host: "registry.ollama.ai:443", path: "/v2/library/mistral/manifests/instruct", status: 200, body: /"layers"/ },
  { host: "registry.ollama.ai", path: "/v2/library/nothing/manifests/latest", status: 404 },
  {
    host: "GitHub.com",
    path: release,
    status: 302,
    header: /^https:\/\/release-assets.githubusercontent.com\/releases/,
  },
  { host: "github.com", path: "/ollama/other", status: 404 },
  {
    host: "release-assets.githubusercontent.com",
    path: release.replace("/ollama/ollama", ""),
    status: 200,
    body: /^a sum$/,
  },
  { host: "packages.example.com", path: "/./a%20b_1.0.deb", status: 200, body: /^a package$/ },
  { host: "packages.example.com", path: "/./%2e%2e/sha256sum.txt", status: 404 },
  { host: "example.org", path: "/", status: 421 },
];

for (const { host, path, status, header, body } of cases) {
  t.test(`${host}${path} is ${status}`, async (t) => {
    const sent = request({ host: "127.0.0.1", port, path, headers: { host }, agent: false });
    sent.end();
    const [response] = await once(sent, "response");
    t.equal(response.statusCode, status);
    if (header) t.match(response.headers[status === 302 ? "location" : "www-authenticate"], header);
    const said = await text(response);
    if (body) t.match(said, body);
  });
}
