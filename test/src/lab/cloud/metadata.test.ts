import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { awsMetadata } from "./aws-metadata.ts";
import { gcpMetadata } from "./gcp-metadata.ts";
import type { Instance } from "./instance.ts";

const shape = { name: "some-1", address: "10.0.0.20", type: "t3.large" };
const onAws: Instance = { ...shape, cloud: "aws", id: "i-0abc", script: "#!/bin/sh\n" };

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test("EC2's service answers only with a session token, and only the instance that got it", async (t) => {
  const service = awsMetadata();
  const [mine, other] = await Promise.all([serve(service(onAws)), serve(service({ ...onAws, id: "i-0other" }))]);
  const put = (headers: Record<string, string>) => fetch(`${mine}/latest/api/token`, { method: "PUT", headers });
  t.equal((await put({})).status, 400, "a token has a time to live");
  const token = await (await put({ "X-aws-ec2-metadata-token-ttl-seconds": "60" })).text();
  const get = (url: string, headers: Record<string, string> = { "X-aws-ec2-metadata-token": token }) =>
    fetch(url, { headers }).then(async (answer) => [answer.status, await answer.text()]);
  t.same(await get(`${mine}/latest/user-data`, {}), [401, ""]);
  t.same(await get(`${other}/latest/user-data`), [401, ""]);
  t.same(await get(`${mine}/latest/user-data`), [200, "#!/bin/sh\n"]);
  t.same(await get(`${mine}/2021-03-23/meta-data/instance-id`), [200, "i-0abc"]);
  t.match(await get(`${mine}/latest/meta-data/`), [200, /^instance-id$[\s\S]*^placement\/$/m]);
  t.same(await get(`${mine}/latest/meta-data/no-such`), [404, ""]);
});

t.test("Google's answers only those who name it, and holds a request until something changes", async (t) => {
  let instance: Instance = { ...shape, cloud: "gcp", id: "42", script: "#!/bin/sh\n" };
  const at = `${await serve(gcpMetadata(() => instance))}/computeMetadata/v1`;
  const get = (path: string) => fetch(`${at}${path}`, { headers: { "Metadata-Flavor": "Google" } });
  t.equal((await fetch(`${at}/instance/id`)).status, 403);
  t.equal(await (await get("/instance/attributes/startup-script")).text(), "#!/bin/sh\n");
  const all = await get("/instance/attributes/?recursive=true&alt=json");
  t.same(await all.json(), { "startup-script": "#!/bin/sh\n" });
  const etag = all.headers.get("etag") ?? "";
  const held = get(
    `/instance/attributes/?recursive=true&alt=json&wait_for_change=true&timeout_sec=5&last_etag=${etag}`,
  );
  instance = { ...instance, script: null };
  t.same(await (await held).json(), {});
  t.equal((await get("/instance/attributes/startup-script")).status, 404);
});
