import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import type { Instance } from "./instance.ts";
import { at, listing, type Tree } from "./metadata-tree.ts";

const ttlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
const tokenHeader = "x-aws-ec2-metadata-token";
const versions = /^\/(latest|\d{4}-\d{2}-\d{2})\//;

/**
 * The instance metadata service of EC2 with HttpTokens=required: whoever has no session token gets 401. Tokens are good
 * for whoever got them. Reference: "Use the Instance Metadata Service" in the EC2 user guide.
 */
export function awsMetadata(): (instance: Instance) => RequestListener {
  const tokens = new Map<string, string>();
  return (instance) => (request, response) => {
    const { method, url = "/", headers } = request;
    if (method === "PUT" && url === "/latest/api/token") {
      const ttl = Number(headers[ttlHeader]);
      if (!(ttl >= 1 && ttl <= 21_600)) return void response.writeHead(400).end();
      const token = randomBytes(32).toString("base64");
      tokens.set(token, instance.id);
      return void response.writeHead(200, { [ttlHeader]: ttl }).end(token);
    }
    if (tokens.get(String(headers[tokenHeader])) !== instance.id) return void response.writeHead(401).end();
    const version = versions.exec(url)?.[0];
    const found = version === undefined ? undefined : at(treeOf(instance), url.slice(version.length));
    if (found === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/plain" }).end(typeof found === "string" ? found : listing(found));
  };
}

function treeOf({ id, name, type, address, script }: Instance): Tree {
  const zone = "ap-northeast-1a";
  const document = { instanceId: id, instanceType: type, privateIp: address, region: zone.slice(0, -1) };
  const own = { "instance-id": id, "instance-type": type, "local-ipv4": address, "local-hostname": name };
  return {
    "meta-data": { ...own, "ami-id": "ami-0123456789abcdef0", placement: { "availability-zone": zone } },
    dynamic: { "instance-identity": { document: JSON.stringify({ ...document, availabilityZone: zone }) } },
    ...(script === null ? {} : { "user-data": script }),
  };
}
