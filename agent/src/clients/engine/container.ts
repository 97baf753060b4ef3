import * as z from "zod";

/** A container as the Engine shows it, as far as it is looked at here. */
export const container = z.object({
  Id: z.string(),
  Name: z.string(),
  /** The image's id, `sha256:…`. */
  Image: z.string(),
  RestartCount: z.number().default(0),
  State: z.object({
    Status: z.enum(["created", "running", "paused", "restarting", "removing", "exited", "dead"]),
    Pid: z.number(),
    ExitCode: z.number(),
    Error: z.string(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: z.object({
    Image: z.string(),
    User: z.string().default(""),
    Env: z.array(z.string()).nullish(),
    Cmd: z.array(z.string()).nullish(),
    Entrypoint: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.object({
    NetworkMode: z.string().default("default"),
    Privileged: z.boolean().default(false),
    PidMode: z.string().default(""),
    Binds: z.array(z.string()).nullish(),
    Mounts: z
      .array(
        z.object({ Type: z.string(), Source: z.string(), Target: z.string(), ReadOnly: z.boolean().default(false) }),
      )
      .nullish(),
    VolumesFrom: z.array(z.string()).nullish(),
    CapAdd: z.array(z.string()).nullish(),
    Devices: z.array(z.unknown()).nullish(),
    SecurityOpt: z.array(z.string()).nullish(),
    PortBindings: z
      .record(z.string(), z.array(z.object({ HostIp: z.string().default(""), HostPort: z.string() })).nullable())
      .nullish(),
    RestartPolicy: z.object({ Name: z.string() }),
    LogConfig: z.object({ Type: z.string(), Config: z.record(z.string(), z.string()).nullish() }),
  }),
});
export type Container = z.infer<typeof container>;

export const listedContainers = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    Image: z.string(),
    State: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
    Ports: z.array(z.object({ IP: z.string().optional(), PublicPort: z.number().optional() })).nullish(),
  }),
);
export type ListedContainer = z.infer<typeof listedContainers>[number];

/** What a container is made from: `POST /containers/create`. */
export interface ContainerOrder {
  readonly Image: string;
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
}
