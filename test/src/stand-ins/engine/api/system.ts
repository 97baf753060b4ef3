import { cpus, hostname, release as kernel, totalmem } from "node:os";
import { stamp } from "../clock.ts";
import { isUp } from "../containers/record.ts";
import type { Core } from "../core.ts";
import type { Call } from "./call.ts";

export async function ping(call: Call): Promise<void> {
  call.stream("text/plain; charset=utf-8").end(call.request.method === "HEAD" ? "" : "OK");
}

export async function version(call: Call, { release, architecture }: Core): Promise<void> {
  const shared = { GitCommit: "89c5e8f", GoVersion: "go1.24.9", Os: "linux", Arch: architecture() };
  const api = { ApiVersion: release.apiVersion, MinAPIVersion: release.minApiVersion };
  const built = { KernelVersion: kernel(), BuildTime: "2026-01-05T12:48:40.000000000+00:00" };
  call.answer(200, {
    Platform: { Name: "Docker Engine - Community" },
    Components: [{ Name: "Engine", Version: release.version, Details: { ...shared, ...api, Experimental: "false" } }],
    Version: release.version,
    ...api,
    ...shared,
    ...built,
  });
}

export async function info(call: Call, core: Core): Promise<void> {
  const containers = core.containers.all();
  const running = containers.filter(isUp).length;
  call.answer(200, {
    ID: core.id,
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: 0,
    ContainersStopped: containers.length - running,
    Images: core.images.all().length,
    Driver: "overlay2",
    DriverStatus: [["Backing Filesystem", "extfs"]],
    Plugins: { Volume: ["local"], Network: ["bridge", "host", "null"], Authorization: null, Log: ["json-file"] },
    MemoryLimit: true,
    SwapLimit: true,
    SystemTime: stamp(core.clock()),
    LoggingDriver: "json-file",
    CgroupDriver: "systemd",
    CgroupVersion: "2",
    KernelVersion: kernel(),
    OperatingSystem: "Fettle stand-in",
    OSType: "linux",
    Architecture: core.architecture() === "arm64" ? "aarch64" : "x86_64",
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: { InsecureRegistryCIDRs: ["127.0.0.0/8"], IndexConfigs: {}, Mirrors: [] },
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: core.root,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: hostname(),
    Labels: [],
    ServerVersion: core.release.version,
    Runtimes: { runc: { path: "runc" } },
    DefaultRuntime: "runc",
    Swarm: { LocalNodeState: "inactive", ControlAvailable: false },
    LiveRestoreEnabled: false,
    SecurityOptions: ["name=seccomp,profile=builtin"],
    Warnings: null,
  });
}
