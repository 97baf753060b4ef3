import t from "tap";
import { NvidiaSmi } from "../clients/nvidia-smi.ts";
import type { ExecResult } from "../system/exec.ts";
import type { Host } from "../system/host.ts";
import { GpuWatch } from "./gpu.ts";
import { StepClock } from "./step-clock.ts";

const codesOf = (findings: readonly { code: string }[]): string[] => findings.map(({ code }) => code);

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
  return { asked, watch: new GpuWatch(new NvidiaSmi(host), clock), clock };
}

const { signal } = new AbortController();
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
  t.equal(await watch.poll(signal), 30_000);
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
  const again = busy.watch.poll(signal);
  first.resolve({ code: 0, timedOut: false, stdout: T4, stderr: "" });
  await Promise.all([polling, again]);
  t.equal(busy.asked.length, 1);
  t.equal(busy.watch.state, "ok");
});
