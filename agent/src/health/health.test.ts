import type { Disk, PortProbe } from "@fettle/shared/protocol/health.ts";
import { health as healthSchema } from "@fettle/shared/protocol/health.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import t from "tap";
import type { ExecResult } from "../system/exec.ts";
import type { Host } from "../system/host.ts";
import type { HttpResponse } from "../system/http.ts";
import { DiskWatch } from "./disks.ts";
import { GpuWatch } from "./gpu.ts";
import { Health, type HealthParts } from "./health.ts";
import { Steady } from "./level.ts";
import { certificateFindings, skewFindings } from "./own.ts";
import { PortWatch } from "./ports.ts";
import { PressureWatch } from "./pressure.ts";
import { probePort } from "./probe.ts";

const GB = 1_000_000_000;
const codesOf = (findings: readonly { code: string }[]): string[] => findings.map(({ code }) => code);

/** Time that passes only when something sleeps. */
class StepClock {
  #mono = 0;
  readonly sleeps: number[] = [];
  now(): number {
    return 1_800_000_000_000 + this.#mono;
  }
  mono(): number {
    return this.#mono;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    this.#mono += ms;
  }
  pass(ms: number): void {
    this.#mono += ms;
  }
  random(): number {
    return 0.5;
  }
}

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

interface Smi {
  readonly found?: boolean;
  readonly answers: readonly (Partial<ExecResult> | Promise<ExecResult>)[];
  readonly stats?: Readonly<Record<string, string>>;
}

function gpuHost({ found = true, answers, stats = {} }: Smi) {
  const asked: string[][] = [];
  const clock = new StepClock();
  const host = {
    clock,
    exec: {
      find: async () => (found ? "/usr/bin/nvidia-smi" : null),
      run: async (argv: readonly string[]) => {
        asked.push([...argv]);
        const answer = answers[asked.length - 1] ?? answers.at(-1) ?? {};
        return { code: 0, timedOut: false, stdout: "", stderr: "", ...(await answer) };
      },
    },
    files: {
      list: async () => Object.keys(stats),
      readText: async (path: string) => stats[path.split("/")[2] ?? ""] ?? null,
    },
  } as unknown as Pick<Host, "exec" | "files" | "clock">;
  return { asked, watch: new GpuWatch(host), clock };
}

const signal = new AbortController().signal;
const T4 = "0, GPU-1, Tesla T4, 595.71.05, 15360, 4521, 37, 61, 43.10, 7.5\n";

t.test("nvidia-smi: what it printed, and how each of its failures is named", async (t) => {
  const cases: readonly [string, Partial<ExecResult>, string, string[]][] = [
    ["a card", { stdout: T4 }, "ok", []],
    [
      "absent values",
      { stdout: "0, GPU-1, A100, 550.1, [N/A], [Not Supported], N/A, , [Insufficient Permissions], 8.0\n" },
      "ok",
      [],
    ],
    [
      "needs a reset",
      { stdout: "0, GPU-1, A100, 550.1, 81920, [GPU requires reset], [N/A], 30, 50.0, 8.0\n" },
      "ok",
      ["health.gpu-reset"],
    ],
    [
      "an unknown error",
      { stdout: "0, GPU-1, A100, 550.1, [Unknown Error], 1, 2, 30, 50.0, 8.0\n" },
      "ok",
      ["health.gpu-reset"],
    ],
    [
      "infoROM",
      { code: 14, stdout: `${T4}WARNING: infoROM is corrupted at gpu 0000:00:1E.0\n` },
      "ok",
      ["health.gpu-inforom"],
    ],
    [
      "driver not loaded",
      { code: 9, stdout: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n" },
      "failed",
      ["health.gpu-driver-not-loaded"],
    ],
    [
      "mismatch by its words",
      {
        code: 255,
        stdout: "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.158\n",
      },
      "failed",
      ["health.gpu-driver-mismatch"],
    ],
    ["mismatch by its status", { code: 18 }, "failed", ["health.gpu-driver-mismatch"]],
    [
      "off the bus",
      { code: 15, stdout: "Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.\n" },
      "failed",
      ["health.gpu-lost"],
    ],
    ["no devices", { code: 6, stdout: "No devices were found\n" }, "failed", ["health.gpu-none"]],
    ["no devices, and content with it", { code: 0, stdout: "No devices were found\n" }, "failed", ["health.gpu-none"]],
    [
      "NVML gone in a container",
      { code: 255, stderr: "Failed to initialize NVML: Unknown Error\n" },
      "failed",
      ["health.gpu-failed"],
    ],
    ["killed by somebody", { code: null }, "failed", ["health.gpu-failed"]],
    ["nonsense", { stdout: "hello, world\n\u0000\n" }, "failed", ["health.gpu-failed"]],
  ];
  for (const [name, answer, state, findings] of cases) {
    const { watch } = gpuHost({ answers: [answer] });
    t.equal(await watch.poll(signal), 30_000, name);
    t.equal(watch.state, state, name);
    t.strictSame(codesOf(watch.findings), findings, name);
  }
  const { watch, asked, clock } = gpuHost({ answers: [{ stdout: T4 }] });
  await watch.poll(signal);
  t.strictSame(asked[0]?.slice(2), ["--format=csv,noheader,nounits"]);
  t.strictSame(watch.gpus, [
    {
      index: 0,
      uuid: "GPU-1",
      name: "Tesla T4",
      driver: "595.71.05",
      computeCapability: "7.5",
      memoryTotalMiB: 15360,
      memoryUsedMiB: 4521,
      utilisationPercent: 37,
      temperatureC: 61,
      powerW: 43.1,
    },
  ]);
  t.equal(watch.share(), 0.37);
  clock.pass(61_000);
  t.equal(watch.share(), null, "an old reading says nothing of now");
});

t.test("nvidia-smi: an old driver is asked for less, none at all is looked for again later", async (t) => {
  const unknown = { code: 2, stdout: 'Field "compute_cap" is not a valid field to query.\n' };
  const { watch, asked } = gpuHost({ answers: [unknown, { stdout: "0, GPU-1, K80, 470.1, 11441, 1, 0, 30, 50.0\n" }] });
  t.equal(await watch.poll(signal), 0);
  await watch.poll(signal);
  t.notMatch(asked[1]?.[1], "compute_cap");
  t.match(watch.gpus, [{ name: "K80", computeCapability: null }]);
  const essential = gpuHost({ answers: [{ code: 2, stdout: 'Field "uuid" is not a valid field to query.\n' }] });
  t.equal(await essential.watch.poll(signal), 30_000, "what is needed is not left out for ever");
  const none = gpuHost({ found: false, answers: [] });
  t.equal(await none.watch.poll(signal), 600_000);
  t.equal(none.watch.state, "absent");
  t.strictSame(none.asked, []);
});

t.test("nvidia-smi: late is asked again, hung in the kernel never; one call at a time", async (t) => {
  const late = { code: null, timedOut: true };
  const slow = gpuHost({ answers: [late], stats: { "12": "12 (nvidia-smi) S 1", x: "" } });
  t.equal(await slow.watch.poll(signal), 300_000);
  t.strictSame(codesOf(slow.watch.findings), ["health.gpu-slow"]);
  const hung = gpuHost({ answers: [late], stats: { "12": "12 (nvidia-smi) D 1 12" } });
  t.equal(await hung.watch.poll(signal), null);
  t.equal(hung.watch.state, "hung");
  const first = Promise.withResolvers<ExecResult>();
  const busy = gpuHost({ answers: [first.promise] });
  const polling = busy.watch.poll(signal);
  t.equal(await busy.watch.poll(signal), 30_000);
  t.equal(busy.asked.length, 1);
  first.resolve({ code: 0, timedOut: false, stdout: T4, stderr: "" });
  await polling;
  t.equal(busy.watch.state, "ok");
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
