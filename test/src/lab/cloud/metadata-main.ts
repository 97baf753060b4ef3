import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { awsMetadata } from "./aws-metadata.ts";
import { gcpMetadata } from "./gcp-metadata.ts";
import type { Instance } from "./instance.ts";

// The first process of the metadata service's container: it tells machines apart by the address that they ask from, and
// asks for what they are at each request, since machines come and go.

const aws = awsMetadata();

createServer((request, response) => {
  const from = request.socket.remoteAddress ?? "";
  const known = (): Instance | undefined => read().find(({ address }) => address === from);
  const instance = known();
  console.log(request.method, request.url, from);
  if (instance === undefined) response.writeHead(404).end();
  else if (instance.cloud === "aws") aws(instance)(request, response);
  else gcpMetadata(() => known() ?? instance)(request, response);
}).listen(80, "0.0.0.0");
process.once("SIGTERM", () => process.exit(0));

function read(): Instance[] {
  return JSON.parse(readFileSync("/data/instances.json", "utf8"));
}
