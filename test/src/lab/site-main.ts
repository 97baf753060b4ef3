import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createNameServer } from "./name-server.ts";
import { outside } from "./outside.ts";

// The first process of the site's container: what a company's network has beside the three hosts. It runs with the
// tests' source under /src and its data under /data, on nothing but Node's own modules.

const credentials = {
  cert: readFileSync("/data/site/certificate.pem", "utf8"),
  key: readFileSync("/data/site/key.pem", "utf8"),
};
const folders = { images: "/data/images", releases: "/data/releases", packages: "/data/packages" };
const web = createServer(credentials, outside(folders, console.log));
const names = createNameServer(JSON.parse(readFileSync("/data/site/zone.json", "utf8")));

web.listen(443, "0.0.0.0");
names.bind(53, "0.0.0.0");
process.once("SIGTERM", () => process.exit(0));
