/** A container, as it is kept on disk. */
import type { ContainerConfig, HostConfig, PortBinding } from "./config.ts";

export type Status = "created" | "running" | "paused" | "restarting" | "exited";

export interface ContainerState {
  status: Status;
  pid: number;
  /** When the kernel started that process, in its ticks: a pid alone may have become another process's. */
  pidStart: string;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  startedAt: string;
  finishedAt: string;
}

export interface ContainerRecord {
  id: string;
  name: string;
  created: string;
  imageId: string;
  config: ContainerConfig;
  host: HostConfig;
  state: ContainerState;
  restartCount: number;
  /** A person stopped it: `unless-stopped` leaves it alone then. */
  manuallyStopped: boolean;
  /** Published ports while it runs. */
  ports: Record<string, PortBinding[] | null>;
}

export const isUp = ({ state }: ContainerRecord): boolean =>
  state.status === "running" || state.status === "paused" || state.status === "restarting";
