import type { Disk, PortProbe } from "@fettle/shared/protocol/health.ts";
import { health as healthSchema } from "@fettle/shared/protocol/health.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import t from "tap";
import { NvidiaSmi } from "../clients/nvidia-smi.ts";
import type { Host } from "../system/host.ts";
import type { HttpResponse } from "../system/http.ts";
import { DiskWatch } from "./disks.ts";
import { Health, type HealthParts } from "./health.ts";
import { Steady } from "./level.ts";
import { certificateFindings, skewFindings } from "./own.ts";
import { PortWatch } from "./ports.ts";
import { PressureWatch } from "./pressure.ts";
import { probePort } from "./probe.ts";
import { StepClock } from "./step-clock.ts";

const GB = 1_000_000_000;
const codesOf = (findings: readonly { code: string }[]): string[] => findings.map(({ code }) => code);

t.test("disks: levels with a margin, so that a full one does not flap", (t) => {
  const watch = new DiskWatch();
  const disk = (freePercent: number, inodePercent = 50): Disk => ({
    mount: "/",
    totalBytes: 100 * GB,
    freeBytes: freePercent * GB,
    totalInodes: 1000,
    freeInodes: inodePercent * 10,
  });
  const cases: readonly [number, string[]][] = [
    [40, []],
    [9.9, ["health.disk-low"]],
    [10.5, ["health.disk-low"]],
    [9.5, ["health.disk-low"]],
    [12.1, []],
    [4.9, ["health.disk-full"]],
    [6, ["health.disk-full"]],
    [7.1, ["health.disk-low"]],
    [50, []],
  ];
  for (const [free, expected] of cases) t.strictSame(codesOf(watch.findings([disk(free)])), expected, `${free} % free`);
  t.strictSame(codesOf(watch.findings([disk(50, 2)])), ["health.inodes-full"]);
  t.strictSame(codesOf(watch.findings([disk(50, 4)])), ["health.inodes-full"]);
  t.strictSame(codesOf(watch.findings([disk(50, 8)])), ["health.inodes-low"]);
  t.strictSame(watch.findings([{ ...disk(0), totalBytes: 0, totalInodes: 0 }]), [], "what counts nothing says nothing");
  t.match(new DiskWatch().findings([disk(9)])[0]?.args, { mount: "/", percent: 9, free: "9.0 GB" });
  t.end();
});

t.test("memory and load: a peak is not a state", (t) => {
  const watch = new PressureWatch();
  const load = (availablePercent: number, load1 = 1) => ({
    load1,
    memoryTotalBytes: 16 * GB,
    memoryAvailableBytes: (16 * GB * availablePercent) / 100,
  });
  const take = (...samples: readonly [number, number?][]) =>
    samples.map(([percent, load1]) => codesOf(watch.findings(load(percent, load1), 4)).join());
  t.strictSame(take([50], [2], [50], [50]), ["", "", "", ""]);
  t.strictSame(take([8], [8], [8], [8]), ["", "", "", "health.memory-low"]);
  t.strictSame(take([11], [2]), ["health.memory-low", "health.memory-low"], "and neither is its end");
  t.strictSame(take([50], [50], [50], [50]), ["health.memory-low", "health.memory-low", "health.memory-low", ""]);
  t.strictSame(take([50, 17], [50, 17], [50, 17], [50, 17]), ["", "", "", "health.load-high"]);
  t.end();
});

t.test("steady: the first counts at once, a change only after so many in a row", (t) => {
  const steady = new Steady<string>(2);
  t.strictSame(
    ["a", "b", "a", "b", "b", "c", "a", "a"].map((value) => steady.take(value)),
    ["a", "a", "a", "a", "b", "b", "b", "a"],
  );
  t.end();
});

const DAY = 86_400_000;

t.test("own certificate and clock", (t) => {
  const days = (count: number) => codesOf(certificateFindings(count * DAY, 0)).join();
  t.strictSame([30, 21, 20, 7, 6, 0, -5].map(days), [
    "",
    "",
    "health.certificate-expiring",
    "health.certificate-expiring",
    "health.certificate-expired",
    "health.certificate-expired",
    "health.certificate-expired",
  ]);
  t.strictSame(skewFindings(null, false), []);
  t.strictSame(codesOf(skewFindings(-5001, false)), ["clock.skew"]);
  t.strictSame(skewFindings(4500, false), []);
  t.strictSame(codesOf(skewFindings(4500, true)), ["clock.skew"]);
  t.end();
});

type Answer = Partial<HttpResponse> | "ECONNRESET" | "ETIMEDOUT" | "HPE_INVALID_CONSTANT";

interface Peer {
  readonly connect?: "ok" | "refused" | "filtered" | "unreachable" | "unknown-name";
  readonly http?: Answer;
  readonly tls?: "ok" | "EPROTO" | "ETIMEDOUT";
}

function peerHost(peer: Peer | (() => Peer)) {
  const now = typeof peer === "function" ? peer : () => peer;
  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  return {
    clock: new StepClock(),
    net: {
      probe: async () => now().connect ?? "ok",
      tls: async () => (now().tls === "ok" ? { problem: "SELF_SIGNED_CERT_IN_CHAIN" } : fail(now().tls ?? "EPROTO")),
    },
    http: {
      request: async () => {
        const { http = "ECONNRESET" } = now();
        return typeof http === "string" ? fail(http) : { status: 200, headers: {}, text: "", ...http };
      },
    },
  } as unknown as Pick<Host, "net" | "http" | "clock">;
}

const target = (service: ProbeTarget["service"]): ProbeTarget => ({ peer: "p", host: "10.0.0.1", port: 1234, service });

t.test("ports: refused, filtered, another service, or the right one", async (t) => {
  const cases: readonly [string, ProbeTarget["service"], Peer, PortProbe["result"]][] = [
    ["refused", "ollama", { connect: "refused" }, "refused"],
    ["filtered", "gateway", { connect: "filtered" }, "filtered"],
    ["unreachable", "gateway", { connect: "unreachable" }, "unreachable"],
    ["no such name", "gitlab", { connect: "unknown-name" }, "unreachable"],
    ["Ollama", "ollama", { http: { text: '{"version":"0.32.15"}' } }, "ok"],
    ["a web server", "ollama", { http: { text: "<html>" } }, "wrong-service"],
    ["JSON of another", "ollama", { http: { text: '{"name":"x"}' } }, "wrong-service"],
    ["JSON null", "ollama", { http: { text: "null" } }, "wrong-service"],
    ["no HTTP", "ollama", { http: "HPE_INVALID_CONSTANT" }, "wrong-service"],
    ["hangs up", "ollama", { http: "ECONNRESET" }, "wrong-service"],
    ["says nothing", "ollama", { http: "ETIMEDOUT" }, "unknown"],
    ["the gateway", "gateway", { http: { status: 200 } }, "ok"],
    ["the gateway, not ready", "gateway", { http: { status: 503 } }, "ok"],
    ["a server without that page", "gateway", { http: { status: 404 } }, "wrong-service"],
    ["the platform", "platform", {}, "ok"],
    ["GitLab with TLS", "gitlab", { tls: "ok" }, "ok"],
    ["GitLab without TLS", "gitlab", { tls: "EPROTO", http: { headers: { "x-gitlab-meta": "{}" } } }, "ok"],
    ["another web server", "gitlab", { tls: "EPROTO", http: { headers: {} } }, "wrong-service"],
    ["a silent TLS", "gitlab", { tls: "ETIMEDOUT" }, "unknown"],
  ];
  for (const [name, service, peer, result] of cases)
    t.equal((await probePort(peerHost(peer), target(service))).result, result, name);
});

t.test("ports: looked at more often while something is wrong; a finding only when it stays so", async (t) => {
  let connect: "ok" | "refused" = "ok";
  const watch = new PortWatch(peerHost(() => ({ connect, http: { text: '{"version":"1"}' } })));
  const look = () => watch.poll([target("ollama")], undefined);
  t.equal(await look(), 30_000);
  connect = "refused";
  t.equal(await look(), 5_000);
  t.strictSame(watch.findings, []);
  await look();
  await look();
  t.match(watch.findings, [{ code: "health.port-closed", args: { result: "refused", address: "10.0.0.1:1234" } }]);
  t.equal(watch.probes[0]?.result, "refused");
  connect = "ok";
  await look();
  t.strictSame(watch.findings, [], "well is said at once");
  t.equal(await watch.poll([], undefined), 30_000);
  t.strictSame(watch.probes, []);
});

/** A machine whose measurements a test changes; every sleep goes by at once. */
function machine(change: Partial<HealthParts> = {}) {
  let freePercent = 50;
  let broken = false;
  const changes: number[] = [];
  const clock = new StepClock();
  const host = {
    exec: { find: async () => null },
    files: {},
    ...peerHost({ connect: "refused" }),
    metrics: {
      facts: async () => ({ cores: 4 }),
      load: async () => ({ load1: 0.2, memoryTotalBytes: 16 * GB, memoryAvailableBytes: 8 * GB }),
      disks: async () => {
        if (broken) throw new Error("df hangs");
        return [{ mount: "/", totalBytes: 100 * GB, freeBytes: freePercent * GB, totalInodes: 0, freeInodes: 0 }];
      },
    },
  } as unknown as HealthParts["host"];
  const health = new Health({
    host: { ...host, clock },
    nvidiaSmi: new NvidiaSmi({ ...host, clock }),
    probes: () => [],
    caFile: () => null,
    certificateExpiresAt: () => clock.now() + 90 * DAY,
    clockOffsetMs: () => 0,
    onChange: () => void changes.push(clock.mono()),
    ...change,
  });
  const end = new AbortController();
  const ran = health.run(end.signal);
  const until = async (look: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 2000 && !look(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (!look()) throw new Error("it did not come to be");
  };
  return {
    health,
    changes,
    until,
    free: (percent: number) => {
      freePercent = percent;
    },
    breakDisks: () => {
      broken = true;
    },
    stop: async () => {
      end.abort();
      await ran;
    },
  };
}

t.test("health: one snapshot that the wire takes, and a word when it changes, not for each number", async (t) => {
  const { health, until, free, breakDisks, changes, stop } = machine();
  await until(() => health.sample()?.disks.length === 1);
  const sample = health.sample();
  t.equal(healthSchema.safeParse(sample).success, true);
  t.match(sample, {
    state: "ok",
    gpuState: "absent",
    memoryAvailableBytes: 8 * GB,
    certificates: [{ name: "fettle-agent" }],
  });
  t.match(health.metrics(), { load1: 0.2, "disk./.freeBytes": 50 * GB });
  const before = changes.length;
  free(49);
  await until(() => health.sample()?.disks[0]?.freeBytes === 49 * GB);
  t.equal(changes.length, before, "a number is no news");
  free(4);
  await until(() => health.sample()?.state === "critical");
  t.equal(changes.length, before + 1);
  free(50);
  await until(() => health.sample()?.state === "ok");
  breakDisks();
  await until(() => health.sample()?.state === "warning");
  t.match(health.sample()?.findings, [{ code: "health.unknown", args: { what: "disks", problem: "df hangs" } }]);
  await stop();
});

t.test("health: ends at once with its signal, and knows nothing before the first measurement", async (t) => {
  const { health, stop } = machine({ clockOffsetMs: () => 60_000, certificateExpiresAt: () => null });
  t.equal(health.sample(), null);
  t.equal(health.gpuShare(), null);
  await stop();
  t.strictSame(codesOf(health.sample()?.findings ?? [{ code: "clock.skew" }]), ["clock.skew"]);
});
