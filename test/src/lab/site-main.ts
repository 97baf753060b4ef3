import { readFileSync } from "node:fs";
import { createImageRegistry } from "./image-registry.ts";
import { createNameServer } from "./name-server.ts";

// The first process of the site's container: what a company's network has beside the three hosts. It runs with the
// lab's source under /lab and its data under /data, on nothing but Node's own modules.

const registry = createImageRegistry({
  folder: "/data/images",
  certificate: readFileSync("/data/site/certificate.pem", "utf8"),
  key: readFileSync("/data/site/key.pem", "utf8"),
  tokenUrl: "https://gitlab.com/jwt/auth",
  log: console.log,
});
const names = createNameServer(JSON.parse(readFileSync("/data/site/zone.json", "utf8")));

registry.listen(443, "0.0.0.0");
names.bind(53, "0.0.0.0");
process.once("SIGTERM", () => process.exit(0));
