/** What a container was asked to be: the request's own parts, the image's, and the Engine's defaults. */
import { badRequest } from "../errors.ts";
import type { ImageDefinition } from "../images/definition.ts";
import { type Json, record, text, texts } from "../json.ts";

export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

export interface RestartPolicy {
  Name: string;
  MaximumRetryCount: number;
}

export interface ContainerConfig extends Json {
  Env: string[];
  Cmd: string[];
  Image: string;
  Labels: Record<string, string>;
  ExposedPorts: Record<string, object>;
  StopSignal?: string;
  StopTimeout?: number;
}

export interface HostConfig extends Json {
  Binds: string[] | null;
  Mounts?: Json[];
  NetworkMode: string;
  PortBindings: Record<string, PortBinding[]>;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
}

const POLICIES = ["no", "always", "on-failure", "unless-stopped"];

export function containerConfig(body: Json, id: string, image: ImageDefinition): ContainerConfig {
  const asked = texts(body.Env);
  const names = new Set(asked.map((one) => one.split("=")[0]));
  const baked = Object.entries(image.env ?? {}).filter(([name]) => !names.has(name));
  const cmd = texts(body.Cmd);
  return {
    Hostname: text(body.Hostname) || id.slice(0, 12),
    Domainname: "",
    User: text(body.User) || image.user || "",
    AttachStdin: body.AttachStdin === true,
    AttachStdout: body.AttachStdout === true,
    AttachStderr: body.AttachStderr === true,
    ExposedPorts: { ...exposed(image.exposedPorts), ...exposed(record(body.ExposedPorts)) },
    Tty: body.Tty === true,
    OpenStdin: body.OpenStdin === true,
    StdinOnce: false,
    Env: [...asked, ...baked.map(([name, value]) => `${name}=${value}`)],
    Cmd: cmd.length > 0 ? cmd : image.cmd,
    Image: text(body.Image),
    Volumes: null,
    WorkingDir: text(body.WorkingDir) || image.workingDir || "",
    Entrypoint: null,
    OnBuild: null,
    Labels: { ...image.labels, ...(record(body.Labels) as Record<string, string>) },
    ...(typeof body.StopSignal === "string" ? { StopSignal: body.StopSignal } : {}),
    ...(typeof body.StopTimeout === "number" ? { StopTimeout: body.StopTimeout } : {}),
  };
}

function exposed(ports: object = {}): Record<string, object> {
  return Object.fromEntries(Object.keys(ports).map((port) => [port, {}]));
}

export function hostConfig(asked: Json): HostConfig {
  const mode = text(asked.NetworkMode);
  return {
    ...hostDefaults,
    ...asked,
    Binds: Array.isArray(asked.Binds) ? texts(asked.Binds) : null,
    LogConfig: { Type: "json-file", Config: {}, ...record(asked.LogConfig) },
    NetworkMode: mode === "" || mode === "default" ? "bridge" : mode,
    PortBindings: portBindings(record(asked.PortBindings)),
    RestartPolicy: restartPolicy(record(asked.RestartPolicy)),
    AutoRemove: asked.AutoRemove === true,
  };
}

function portBindings(asked: Json): Record<string, PortBinding[]> {
  return Object.fromEntries(
    Object.entries(asked).map(([port, bindings]) => {
      const list = Array.isArray(bindings) ? bindings.map(record) : [];
      return [port, list.map((one) => ({ HostIp: text(one.HostIp), HostPort: checkedPort(text(one.HostPort)) }))];
    }),
  );
}

function checkedPort(port: string): string {
  if (port !== "" && !/^\d{1,5}$/.test(port)) throw badRequest(`invalid port specification: "${port}"`);
  return port;
}

export function restartPolicy(asked: Json): RestartPolicy {
  const name = text(asked.Name) || "no";
  if (!POLICIES.includes(name)) {
    throw badRequest(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  const most = asked.MaximumRetryCount;
  return { Name: name, MaximumRetryCount: typeof most === "number" ? most : 0 };
}

const hostDefaults = {
  ContainerIDFile: "",
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: "private",
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "private",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  ShmSize: 67_108_864,
  Runtime: "runc",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: null,
  MaskedPaths: ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"],
  ReadonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
};
