import { readFileSync } from "node:fs";
import { installCodes } from "@fettle/shared/codes/install.ts";
import { byteRange } from "@fettle/shared/lib/byte-range.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { ReleaseManifest } from "@fettle/shared/release/manifest.ts";
import t from "tap";
import type { Release } from "../mirror/releases.ts";
import { askedHost } from "./asked-host.ts";
import { inOrder } from "./install-routes.ts";
import { fillIn, type InstallFacts } from "./install-script.ts";

const TEMPLATE = readFileSync(new URL("../../../deploy/install.sh", import.meta.url), "utf8");

const FACTS: InstallFacts = {
  host: "172.31.11.1",
  apiPort: 7443,
  agentPort: 7444,
  pin: `sha256//${"A".repeat(42)}+/=`.replace("A+", "+"),
  coordinatorName: "coordinator.c0ffee.fettle.internal",
  releases: [
    { version: "0.10.0", arch: "x64", sha256: "a".repeat(64), size: 42_000_000 },
    { version: "0.9.0", arch: "x64", sha256: "b".repeat(64), size: 41_000_000 },
    { version: "0.9.0", arch: "arm64", sha256: "c".repeat(64), size: 40_000_000 },
  ],
};

t.test("a Host header names a name or an address, and nothing else", async (t) => {
  const good: [string, string, number][] = [
    ["172.31.11.1:7443", "172.31.11.1", 7443],
    ["fettle.example.com", "fettle.example.com", 443],
    ["FETTLE.Example.com:8443", "fettle.example.com", 8443],
    ["[fd00:0::1]:7443", "fd00::1", 7443],
    ["localhost:1", "localhost", 1],
  ];
  for (const [header, host, port] of good) t.same(askedHost(header), { host, port }, header);
  const bad = [
    undefined,
    "",
    ":7443",
    "a b:7443",
    "a'b:7443",
    "$(reboot):7443",
    "`id`",
    "a;b",
    "a\nb",
    "x:0",
    "x:65536",
    "x:7443:7443",
    "1.2.3",
    "999.1.1.1:7443",
    "-x:7443",
    "x..y:7443",
    "[fe80::1%eth0]:7443",
    "[::1",
    "a".repeat(254),
    "@HOST@",
    "host\u202e:1",
  ];
  for (const header of bad) {
    const code = (() => {
      try {
        return JSON.stringify(askedHost(header));
      } catch (error) {
        return error instanceof FettleError ? error.code : String(error);
      }
    })();
    t.equal(code, "install.bad-host", JSON.stringify(header));
  }
});

t.test("a Range header is a part of the file, or none of it", async (t) => {
  const cases: [string | undefined, ReturnType<typeof byteRange>][] = [
    [undefined, null],
    ["bytes=0-", { start: 0, end: 99 }],
    ["bytes=40-", { start: 40, end: 99 }],
    ["bytes=40-49", { start: 40, end: 49 }],
    ["bytes=40-400", { start: 40, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-1000", { start: 0, end: 99 }],
    ["bytes=99-", { start: 99, end: 99 }],
    ["bytes=100-", "none"],
    ["bytes=-0", "none"],
    ["bytes=-", null],
    ["bytes=9-3", null],
    ["bytes=0-1,5-6", null],
    ["lines=0-1", null],
    ["bytes=0x1-", null],
  ];
  for (const [header, expected] of cases) t.same(byteRange(header, 100), expected, String(header));
});

t.test("the script is filled in: each architecture's newest release, no placeholder left", async (t) => {
  const script = fillIn(TEMPLATE, FACTS);
  t.notMatch(script, /@[A-Z0-9_]+@/);
  for (const line of [
    "host='172.31.11.1'",
    "api_port='7443'",
    "agent_port='7444'",
    `pin='${FACTS.pin}'`,
    `x64_version='0.10.0' x64_sha256='${"a".repeat(64)}' x64_size='42000000'`,
    `arm64_version='0.9.0' arm64_sha256='${"c".repeat(64)}' arm64_size='40000000'`,
  ])
    t.ok(script.includes(line), line);
  t.match(fillIn(TEMPLATE, { ...FACTS, host: "fd00::1" }), "host='[fd00::1]'");
  t.match(fillIn(TEMPLATE, { ...FACTS, releases: [] }), "x64_version='' x64_sha256='' x64_size=''");
});

t.test("a new machine gets the newest release, but one that was taken back only where there is no other", async (t) => {
  const rest = { product: "fettle-agent", size: 1, sha256: "a".repeat(64), minVersion: "0.1.0" } as const;
  const release = (version: string, arch: ReleaseManifest["arch"]): Release => ({
    manifest: { ...rest, version, arch, wire: { oldest: 1, newest: 1 } },
    signed: { manifest: "", signatures: [] },
    path: "",
  });
  const releases = [release("0.3.0", "x64"), release("0.2.0", "x64"), release("0.2.0", "arm64")];
  const first = (takenBack: readonly string[], arch: string) =>
    inOrder(releases, new Set(takenBack)).find((manifest) => manifest.arch === arch)?.version;
  t.equal(first([], "x64"), "0.3.0");
  t.equal(first(["0.3.0"], "x64"), "0.2.0");
  t.equal(first(["0.3.0", "0.2.0"], "x64"), "0.3.0");
  t.equal(first(["0.2.0"], "arm64"), "0.2.0");
});

t.test("nothing that could end a quote gets into the script", async (t) => {
  const release = FACTS.releases[0] as InstallFacts["releases"][number];
  const hostile: Partial<InstallFacts>[] = [
    { host: "a'; reboot; '" },
    { host: "$(reboot)" },
    { host: "a\nb" },
    { host: "" },
    { pin: `${FACTS.pin}'` },
    { pin: "sha256//short=" },
    { apiPort: Number.NaN },
    { agentPort: -1 },
    { coordinatorName: "coordinator.x'.fettle.internal" },
    { coordinatorName: "evil.example.com" },
    { releases: [{ ...release, version: "1.0.0'; reboot; '" }] },
    { releases: [{ ...release, version: "1.0.0\n2.0.0" }] },
    { releases: [{ ...release, version: "../../etc" }] },
    { releases: [{ ...release, sha256: `${"a".repeat(63)}'` }] },
    { releases: [{ ...release, size: 1.5 }] },
  ];
  for (const part of hostile)
    t.throws(() => fillIn(TEMPLATE, { ...FACTS, ...part }), /impossible/, JSON.stringify(part));
  t.throws(() => fillIn("x='@OTHER@'", FACTS), /impossible/, "a placeholder that nothing is known for");
});

t.test("what the script says is in the catalogue, and what is there for it is said", async (t) => {
  const said = new Set([...TEMPLATE.matchAll(/\bfail (install\.[a-z-]+)/g)].map(([, code]) => code));
  const served = ["no-release", "unknown-archive", "bad-host", "no-address"];
  const known = Object.keys(installCodes).filter((code) => !served.includes(code.slice("install.".length)));
  t.same([...said].sort(), known.sort());
});
