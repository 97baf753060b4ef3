import { spawnSync } from "node:child_process";
import { must } from "@fettle/shared/lib/must.ts";
import { ROLE_NAMES, roleNamed } from "@fettle/shared/roles/roles.ts";
import t from "tap";
import { launchCommand } from "./launch.ts";
import { CLOUDS, MACHINES, sizeFor } from "./machines.ts";
import { userData } from "./user-data.ts";

const TOKEN = `fettle1.${"p".repeat(43)}.0123456789abcdef.${"s".repeat(43)}`;
const BOOT = {
  node: "ollama-1",
  roles: ["ollama"],
  pin: `sha256//${"A".repeat(43)}=`,
  url: "https://172.31.11.1:7443/install.sh",
  token: TOKEN,
  id: "0123456789abcdef",
  until: "2026-11-25T09:36:45Z",
};

t.test("a role's machine is the guide's, or the next that has what the role needs", async (t) => {
  const expected = [
    ["aws", ["gitlab"], "c6i.xlarge", 50],
    ["aws", ["gateway"], "t3.large", 20],
    ["aws", ["ollama"], "g4dn.xlarge", 50],
    ["gcp", ["gitlab"], "c2-standard-4", 50],
    ["gcp", ["gateway"], "e2-standard-2", 20],
    ["gcp", ["ollama"], "n1-standard-8", 50],
    ["aws", ["gateway", "ollama"], "g4dn.2xlarge", 70],
    ["gcp", ["gateway", "ollama"], "n1-standard-8", 70],
    ["aws", ["gitlab", "gateway", "ollama"], "g4dn.2xlarge", 120],
  ] as const;
  for (const [cloud, roles, type, disk] of expected) {
    const { machine, diskGb } = sizeFor(cloud, roles);
    t.same([machine.type, diskGb], [type, disk], `${cloud} ${roles.join("+")}`);
  }
  for (const cloud of CLOUDS)
    for (const role of ROLE_NAMES) {
      const { host } = must(roleNamed(role), role);
      const { machine, diskGb } = sizeFor(cloud, [role]);
      t.ok(machine.memoryBytes > host.memoryBytes && diskGb * 1e9 >= host.diskBytes, `${cloud} ${role}`);
      t.equal(machine.gpu, role === "ollama");
    }
  for (const list of Object.values(MACHINES)) t.equal(new Set(list.map(({ type }) => type)).size, list.length);
});

t.test("a machine is started with its size, its address, and a metadata service for itself alone", async (t) => {
  const launch = { node: "gateway-1", roles: ["gateway"], address: "172.31.11.20", file: "fettle-gateway-1.sh" };
  const aws = launchCommand("aws", launch);
  for (const part of [
    "--instance-type t3.large",
    "HttpTokens=required,HttpPutResponseHopLimit=1",
    "VolumeSize=20",
    "--private-ip-address 172.31.11.20",
    "--user-data file://fettle-gateway-1.sh",
  ])
    t.ok(aws.includes(part), part);
  const gcp = launchCommand("gcp", { ...launch, roles: ["ollama"], address: null });
  for (const part of ["--machine-type n1-standard-8", "--accelerator", "--boot-disk-size 50GB", "startup-script="])
    t.ok(gcp.includes(part), part);
  t.notMatch(gcp, "--private-network-ip");
  for (const text of [aws, gcp])
    t.equal(spawnSync("sh", ["-n"], { input: text }).status, 0, "a shell reads it as it is");
});

t.test(
  "user-data is a script that does nothing when it is cut, and never names the token as an argument",
  async (t) => {
    const text = userData(BOOT);
    t.ok(Buffer.byteLength(text) < 16_384, "as much as AWS takes");
    t.equal(text.split(TOKEN).length, 2, "the token is there once");
    t.match(text, `printf %s '${TOKEN}' >"$folder/token"`);
    t.match(text, / --driver-install\n/);
    t.notMatch(userData({ ...BOOT, roles: ["gateway"] }), "--driver-install");
    t.equal(spawnSync("sh", ["-n"], { input: text }).status, 0);
    for (let end = 0; end < text.length - 1; end += 7) {
      // Without programs and with an empty environment, whatever were called would be not found.
      const cut = spawnSync("sh", ["-c", text.slice(0, end)], { env: { PATH: "/nowhere" } });
      t.notMatch(`${cut.stdout}${cut.stderr}`, /mktemp|curl|token/, `cut at ${end}`);
    }
  },
);

t.test("shellcheck finds nothing in it", async (t) => {
  const checked = spawnSync("shellcheck", ["-"], { input: userData(BOOT), encoding: "utf8" });
  if (checked.error !== undefined) t.pass("there is no shellcheck here");
  else t.equal(checked.stdout, "");
});
