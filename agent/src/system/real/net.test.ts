import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import t from "tap";
import { realExec as exec } from "./exec.ts";
import { cloudInstanceId } from "./instance-id.ts";
import { realMetrics as metrics } from "./metrics.ts";
import { parseMounts } from "./mounts.ts";
import { realNet as net } from "./net.ts";
import { ESTABLISHED, LISTEN, parseSockets } from "./socket-table.ts";

const listening = (host: string) =>
  new Promise<{ port: number; close: () => void }>((resolve) => {
    const server = createServer((socket) => socket.on("error", () => undefined));
    server.listen(0, host, () => {
      resolve({ port: (server.address() as AddressInfo).port, close: () => server.close() });
    });
  });

t.test("listeners and connections of a port, with who holds it", async (t) => {
  for (const [host, address] of [
    ["127.0.0.5", "127.0.0.5"],
    ["::", "::"],
  ] as const) {
    const { port, close } = await listening(host);
    t.same(await net.listeners(port), [{ address, port, pid: process.pid }]);
    const all = await net.listeners();
    t.same(
      all.filter((listener) => listener.port === port),
      [{ address, port, pid: null }],
    );
    t.same(await net.connections(port), []);
    const socket = connect({ port, host: "127.0.0.5" });
    await new Promise((resolve) => socket.once("connect", resolve));
    const [connection] = await net.connections(port);
    t.match(connection, {
      localAddress: "127.0.0.5",
      localPort: port,
      remoteAddress: /^127\./,
      remotePort: socket.localPort,
    });
    t.equal((await net.connections(port)).length, 1, "the other end's port is another one");
    t.same(await net.connections(port, process.pid), [connection], "the network of a process of this machine");
    t.same(await net.connections(port, 2 ** 30), [], "a process that is not there has none");
    socket.destroy();
    close();
  }
});

/** A process that listens on the port and then hangs: the kernel takes two connections, and drops what more comes. */
const HANGS = (port: number) => `
  require("net").createServer().listen({ port: ${port}, host: "127.0.0.1", backlog: 1 }, () =>
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`;

t.test("a listener of another process is found, and one that hangs is filtered in the end", async (t) => {
  const { port, close } = await listening("127.0.0.1");
  close();
  const stop = new AbortController();
  const run = exec.run([process.execPath, "-e", HANGS(port)], { timeoutMs: 20_000, signal: stop.signal });
  await until(async () => (await net.probe("127.0.0.1", port, 500)) === "ok");
  const [listener] = await net.listeners(port);
  t.ok(listener?.pid);
  t.not(listener?.pid, process.pid);
  t.ok(await until(async () => (await net.probe("127.0.0.1", port, 200)) === "filtered"));
  stop.abort();
  await run;
});

t.test("probe", async (t) => {
  const { port, close } = await listening("127.0.0.1");
  t.equal(await net.probe("127.0.0.1", port, 2_000), "ok");
  t.equal(await net.probe("localhost", port, 2_000), "ok");
  close();
  t.equal(await net.probe("127.0.0.1", port, 2_000), "refused");
  t.equal(await net.probe("fettle-no-such-name.invalid", port, 5_000), "unknown-name");
  t.equal(await net.probe("255.255.255.255", 9, 2_000), "unreachable");
});

t.test("addresses are those of the interfaces without loopback and link-local", async (t) => {
  const found = await net.addresses();
  const all = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  for (const address of found) t.ok(all.includes(address));
  t.notOk(found.some((address) => /^(127\.|::1$|fe80:|169\.254\.)/.test(address)));
});

const TABLE = [
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
  "   0: 1B0B1FAC:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 70001 1 0000 100 0 0 10 0",
  "   1: 1B0B1FAC:2CAA 140B1FAC:D431 01 00000000:00000000 02:00000AC3 00000000   999        0 70002 2 0000 20 4 30 10 -1",
  "   2: 1B0B1FAC:D431 140B1FAC:2CAA 01 00000000:00000000 02:00000AC3 00000000     0        0 70003 2 0000 20 4 30 10 -1",
  "   3: 0100007F:0277 00000000:0000 06 00000000:00000000 03:00000AC3 00000000     0        0 0 3 0000",
].join("\n");
const TABLE6 = [
  "  sl  local_address                         remote_address                        st tx_queue …",
  "   0: 00000000000000000000000000000000:2CAA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 80001 1 0000 100 0 0 10 0",
  "   1: 0000000000000000FFFF00001B0B1FAC:2CAA 0000000000000000FFFF0000140B1FAC:9C40 01 00000000:00000000 02:00000AC3 00000000   0   0 80002 2 0000 20 4 30 10 -1",
  "   2: B80D0120000000000000000001000000:0050 B80D0120000000000000000002000000:D431 01 00000000:00000000 02:00000AC3 00000000   0   0 80003 2 0000 20 4 30 10 -1",
].join("\n");

const tables = [
  { name: "a listener", table: TABLE, state: LISTEN, port: 11434, ends: ["172.31.11.27:11434 0.0.0.0:0"] },
  {
    name: "a connection by its local port",
    table: TABLE,
    state: ESTABLISHED,
    port: 11434,
    ends: ["172.31.11.27:11434 172.31.11.20:54321"],
  },
  { name: "no row of another state", table: TABLE, state: LISTEN, port: 631, ends: [] },
  { name: "every address", table: TABLE6, state: LISTEN, port: undefined, ends: [":::11434 :::0"] },
  {
    name: "a mapped address",
    table: TABLE6,
    state: ESTABLISHED,
    port: 11434,
    ends: ["172.31.11.27:11434 172.31.11.20:40000"],
  },
  { name: "a v6 address", table: TABLE6, state: ESTABLISHED, port: 80, ends: ["2001:db8::1:80 2001:db8::2:54321"] },
  { name: "an empty table", table: "", state: LISTEN, port: undefined, ends: [] },
];

for (const { name, table, state, port, ends } of tables) {
  t.test(`the kernel's table: ${name}`, async (t) => {
    const rows = parseSockets(table, state, port);
    t.same(
      rows.map((row) => `${row.localAddress}:${row.localPort} ${row.remoteAddress}:${row.remotePort}`),
      ends,
    );
  });
}

t.test("metrics of this machine", async (t) => {
  const facts = await metrics.facts();
  t.equal(facts.hostname, hostname());
  t.equal(facts.arch, process.arch);
  t.match(facts.bootId, /^[0-9a-f-]{36}$/);
  t.ok(facts.cores >= 1 && facts.memoryBytes > 2 ** 27 && facts.os.length > 0);
  const load = await metrics.load();
  t.equal(load.memoryTotalBytes, facts.memoryBytes);
  t.ok(load.load1 >= 0 && load.memoryAvailableBytes > 0 && load.memoryAvailableBytes < load.memoryTotalBytes);
  const disks = await metrics.disks();
  t.ok(disks.some(({ mount }) => mount === "/"));
  for (const disk of disks) t.ok(disk.totalBytes > 0 && disk.freeBytes <= disk.totalBytes, disk.mount);
});

t.test("mounts: one for each disk, the shortest path, no tmpfs and no overlay but /", async (t) => {
  const mountinfo = [
    "22 1 0:33 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a",
    "23 22 259:1 / /var rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw",
    "24 22 259:1 /lib/docker /var/lib/docker rw - ext4 /dev/nvme0n1p1 rw",
    "25 22 0:24 / /run rw,nosuid shared:5 - tmpfs tmpfs rw",
    "26 22 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw",
    "27 22 8:16 / /mnt/my\\040models rw - xfs /dev/sdb rw",
    "28 22 0:60 / /mnt/nas rw - nfs4 nas:/x rw",
    "",
  ].join("\n");
  t.same(parseMounts(mountinfo), ["/", "/var", "/mnt/my models"]);
  t.same(parseMounts(""), []);
});

const uuid = "0a1b2c3d-0000-1111-2222-333344445555";
const machines = [
  { name: "AWS", dmi: { sys_vendor: "Amazon EC2", board_asset_tag: "i-0abc123def4567890" }, id: "i-0abc123def4567890" },
  { name: "AWS metal without a tag", dmi: { sys_vendor: "Amazon EC2", board_asset_tag: "Not Specified" }, id: "" },
  {
    name: "Google",
    dmi: { product_name: "Google Compute Engine", product_serial: "GoogleCloud-0123456789ABCDEF" },
    id: "GoogleCloud-0123456789ABCDEF",
  },
  {
    name: "Azure",
    dmi: {
      sys_vendor: "Microsoft Corporation",
      chassis_asset_tag: "7783-7084-3265-9085-8269-3286-77",
      product_uuid: uuid,
    },
    id: uuid,
  },
  {
    name: "Hyper-V at home",
    dmi: { sys_vendor: "Microsoft Corporation", chassis_asset_tag: "1234", product_uuid: uuid },
    id: "",
  },
  { name: "Hetzner", dmi: { sys_vendor: "Hetzner", product_serial: "12345678" }, id: "12345678" },
  { name: "own metal", dmi: { sys_vendor: "Dell Inc.", product_serial: "ABC1234", product_uuid: uuid }, id: "" },
  { name: "nothing to read", dmi: {}, id: "" },
];

for (const { name, dmi, id } of machines) {
  t.test(`instance id: ${name}`, async (t) => {
    const fields: Readonly<Record<string, string>> = dmi;
    t.equal(
      cloudInstanceId((field) => fields[field] ?? ""),
      id,
    );
  });
}

async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
